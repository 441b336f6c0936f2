// A plugin on a CUDA device: plain multiply-adds, a thread a value of a row, fp32 or bf16. Offsets
// stay on the device and run() only puts work on the stream, so the whole step may be one CUDA
// graph.
//   nvcc -std=c++20 -O3 -shared -Xcompiler -fPIC -I kernels/plugin
//     kernels/plugin/example/expert_rows.cu -o mine.so
//   hotexpert sweep scenarios/h100.toml --kernel plugin:./mine.so,grouped -o runs/mine
#include <cuda_bf16.h>

#include "hotexpert_plugin.h"

namespace {

constexpr int kThreads = 128;

__device__ float to_float(float value) { return value; }
__device__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

template <class Value>
__device__ float dot(const Value* a, const Value* b, int64_t n) {
  float sum = 0.0f;
  for (int64_t i = 0; i < n; ++i) sum = fmaf(to_float(a[i]), to_float(b[i]), sum);
  return sum;
}

__device__ int expert_of(const int32_t* offsets, int experts, int64_t row) {
  int low = 0;  // the last expert that begins at or before the row
  for (int high = experts; high - low > 1;) {
    const int middle = (low + high) / 2;
    (offsets[middle] <= row ? low : high) = middle;
  }
  return low;
}

// out[row, column] of one product; a block has one row and kThreads columns.
template <class Value>
__global__ void product(hotexpert_layer layer, const int32_t* offsets, const Value* x,
                        const Value* weights, bool up, Value* out) {
  const int64_t row = blockIdx.x;
  const int64_t columns = up ? layer.d_ff : layer.d_model;
  const int64_t inner = up ? layer.d_model : layer.d_ff;
  const int64_t column = int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (column >= columns) return;
  const int64_t weight_rows = up ? layer.in_columns : layer.d_model;
  const Value* w =
      weights + (expert_of(offsets, layer.num_experts, row) * weight_rows + column) * inner;
  float z = dot(x + row * inner, w, inner);
  if (up && layer.activation == HOTEXPERT_SWIGLU)
    z = z / (1.0f + expf(-z)) * dot(x + row * inner, w + columns * inner, inner);
  if (up && layer.activation == HOTEXPERT_GELU) z = 0.5f * z * (1.0f + erff(z * 0.70710678f));
  if (up && layer.activation == HOTEXPERT_RELU) z = z < 0.0f ? 0.0f : z;
  out[row * columns + column] = Value(z);
}

template <class Value>
void run_typed(const hotexpert_layer& layer, const hotexpert_batch& batch) {
  const auto stream = static_cast<cudaStream_t>(batch.stream);
  const auto* x = static_cast<const Value*>(batch.x);
  auto* hidden = static_cast<Value*>(batch.scratch_hidden);
  const auto grid = [&](int64_t columns) {
    return dim3(static_cast<unsigned>(batch.rows),
                static_cast<unsigned>((columns + kThreads - 1) / kThreads));
  };
  product<Value><<<grid(layer.d_ff), kThreads, 0, stream>>>(
      layer, batch.offsets, x, static_cast<const Value*>(layer.w_in), true, hidden);
  product<Value><<<grid(layer.d_model), kThreads, 0, stream>>>(
      layer, batch.offsets, hidden, static_cast<const Value*>(layer.w_down), false,
      static_cast<Value*>(batch.y));
}

const char* run(void*, const hotexpert_layer* layer, const hotexpert_batch* batch) {
  if (layer->dtype == HOTEXPERT_FP32) run_typed<float>(*layer, *batch);
  if (layer->dtype == HOTEXPERT_BF16) run_typed<__nv_bfloat16>(*layer, *batch);
  const cudaError_t status = cudaGetLastError();
  return status == cudaSuccess ? nullptr : cudaGetErrorString(status);
}

}  // namespace

HOTEXPERT_EXPORT_PLUGIN(.runs_on = HOTEXPERT_ON_CUDA, .flags = HOTEXPERT_CAPTURABLE,
                        .summary = "a thread a value, plain CUDA", .run = run)
