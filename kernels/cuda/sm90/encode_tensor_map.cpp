#include "kernels/cuda/sm90/encode_tensor_map.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "kernels/cuda/check.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert::sm90 {
namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

Encode find_encode() {
  constexpr unsigned kSince = 12000;  // CUDA 12.0
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  check_cuda(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, kSince,
                                              cudaEnableDefault, &found),
             "looking for the driver's tensor maps");
  if (found != cudaDriverEntryPointSuccess || function == nullptr)
    throw DeviceError("the driver has no tensor maps; install one of CUDA 12.0 or later");
  return reinterpret_cast<Encode>(function);
}

}  // namespace

CUtensorMap encode_tensor_map(const TensorMapFields& fields, void* matrix) {
  if (const auto fault = tensor_map_fault(fields)) throw DeviceError("tensor map: " + *fault);
  static const Encode encode = find_encode();
  CUtensorMap map{};
  const cuuint64_t dims[2] = {fields.columns, fields.rows};
  const cuuint64_t strides[1] = {fields.stride_bytes};
  const cuuint32_t box[2] = {fields.box_columns, fields.box_rows};
  const cuuint32_t element_strides[2] = {1, 1};
  const CUresult result =
      encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, matrix, dims, strides, box, element_strides,
             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS)
    throw DeviceError(fmt::format("the driver refuses a tensor map of {} x {} (error {})",
                                  fields.rows, fields.columns, static_cast<int>(result)));
  return map;
}

}  // namespace hotexpert::sm90
