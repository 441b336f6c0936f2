#pragma once

#include <cstdint>

#include "kernels/cuda/plan/layer_elements.hpp"
#include "kernels/cuda/stream.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// The epilogue of a layer's first product, as its own pass over memory: for products of a library.
/// @param in [rows, 2 * d_ff] for SwiGLU (gate, then up), else [rows, d_ff]; values of `dtype`
/// @param out [rows, d_ff]; may be `in` but for SwiGLU
void launch_activation(const void* in, DataType dtype, Epilogue epilogue, std::int64_t rows,
                       std::int64_t d_ff, void* out, DeviceStream stream);

/// kSwiglu, kGelu or kRelu.
inline Epilogue epilogue_of(Activation activation) {
  switch (activation) {
    case Activation::kSwiglu:
      return Epilogue::kSwiglu;
    case Activation::kGelu:
      return Epilogue::kGelu;
    case Activation::kRelu:
      return Epilogue::kRelu;
  }
  return Epilogue::kNone;
}

}  // namespace hotexpert
