#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/base/random.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// The 65,536 values that fill_normal() chooses from: the normal quantile of (i + 0.5) / 65536.
std::span<const float> normal_quantiles();

/// Writes elements [first, first + count) of a sequence of normal numbers, mean 0 and standard
/// deviation `scale`, to `out` (fp32, or rounded to bf16). Element i is a function of (key, item,
/// i) alone: any cut into ranges, on any thread, gives the same numbers. Each element uses 16
/// random bits: it is the normal quantile of (bits + 0.5) / 65536, so |z| < 4.3. Random-normal data
/// matter: with zeros or constants processors run at other clocks.
/// @param first a multiple of 8   @param item e.g. an expert or a token
void fill_normal(const RandomKey& key, std::uint32_t item, std::int64_t first, std::int64_t count,
                 float scale, DataType dtype, std::byte* out);

}  // namespace hotexpert
