#pragma once

#include <cstdint>

#include "kernels/cuda/plan/normal_element.hpp"
#include "kernels/cuda/stream.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// out[row, column] = element row * columns + column of `item`, or, transposed, out[column, row]:
/// the weights of an expert as the tensor cores read them. Rounded to `dtype` as on the host.
/// @param out [rows, columns] or [columns, rows], device memory
void launch_normal_matrix(const NormalSequence& sequence, std::uint32_t item, std::int64_t rows,
                          std::int64_t columns, bool transposed, DataType dtype, void* out,
                          DeviceStream stream);

/// out[row, column] = element `column` of item `row`: token activations.
void launch_normal_rows(const NormalSequence& sequence, std::int64_t rows, std::int64_t columns,
                        DataType dtype, void* out, DeviceStream stream);

}  // namespace hotexpert
