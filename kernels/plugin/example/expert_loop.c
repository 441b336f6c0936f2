/* The smallest useful plugin: one expert after another, a row at a time, fp32, on the host.
 *   cc -O2 -shared -fPIC -I kernels/plugin kernels/plugin/example/expert_loop.c -o expert_loop.so
 * -lm hotexpert sweep scenarios/skew-to-time.toml --kernel plugin:./expert_loop.so,grouped -o
 * runs/mine        */
#include <math.h>
#include <stdio.h>

#include "hotexpert_plugin.h"

static float dot(const float* a, const float* b, int64_t n) {
  float sum[8] = {0, 0, 0, 0,
                  0, 0, 0, 0}; /* eight sums: vectors, and a smaller rounding error than one */
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int lane = 0; lane < 8; ++lane) sum[lane] += a[i + lane] * b[i + lane];
  for (; i < n; ++i) sum[0] += a[i] * b[i];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static float activate(int32_t activation, float z) {
  if (activation == HOTEXPERT_SWIGLU) return z / (1.0f + expf(-z));
  if (activation == HOTEXPERT_GELU) return 0.5f * z * (1.0f + erff(z * 0.70710678f));
  return z < 0.0f ? 0.0f : z;
}

static int supports(const hotexpert_layer* layer, char* error, size_t error_bytes) {
  if (layer->dtype == HOTEXPERT_FP32) return 0;
  snprintf(error, error_bytes, "it computes fp32 only; set layer.dtype = fp32");
  return 1;
}

static int run(void* state, const hotexpert_layer* layer, const hotexpert_batch* batch, char* error,
               size_t error_bytes) {
  const int paired = layer->activation == HOTEXPERT_SWIGLU;
  (void)state, (void)error, (void)error_bytes;
  for (int32_t e = 0; e < layer->num_experts; ++e) {
    const float* w_in = (const float*)layer->w_in + e * layer->in_columns * layer->d_model;
    const float* w_down = (const float*)layer->w_down + e * layer->d_model * layer->d_ff;
    for (int64_t row = batch->offsets[e]; row < batch->offsets[e + 1]; ++row) {
      const float* x = (const float*)batch->x + row * layer->d_model;
      float* hidden = (float*)batch->scratch_hidden + row * layer->d_ff;
      float* y = (float*)batch->y + row * layer->d_model;
      for (int64_t i = 0; i < layer->d_ff; ++i) {
        const float first =
            activate(layer->activation, dot(x, w_in + i * layer->d_model, layer->d_model));
        hidden[i] = paired
                        ? first * dot(x, w_in + (layer->d_ff + i) * layer->d_model, layer->d_model)
                        : first;
      }
      for (int64_t i = 0; i < layer->d_model; ++i)
        y[i] = dot(hidden, w_down + i * layer->d_ff, layer->d_ff);
    }
  }
  return 0;
}

const hotexpert_plugin* hotexpert_plugin_entry(void) {
  static const hotexpert_plugin plugin = {HOTEXPERT_PLUGIN_ABI,
                                          HOTEXPERT_ON_HOST,
                                          0,
                                          0,
                                          "one expert after another, plain C",
                                          supports,
                                          NULL,
                                          run,
                                          NULL};
  return &plugin;
}
