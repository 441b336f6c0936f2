#pragma once

#include <Random123/philox.h>

#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert {

/// Where a sequence of normal numbers is drawn from: the words of philox() in sim/base/random.hpp.
struct NormalSequence {
  std::uint32_t key[2] = {};  ///< philox_key(seed, purpose)
  std::uint32_t step = 0;
  std::uint32_t layer = 0;
  float scale = 1.0F;
  const float* quantiles = nullptr;  ///< [65536], normal_quantiles() of kernels/normal_data.hpp
};

/// Element `index` of item `item`: the number that fill_normal() draws on the host, as fp32.
HOTEXPERT_HOST_DEVICE float normal_element(const NormalSequence& sequence, std::uint32_t item,
                                           std::int64_t index) {
  r123::Philox4x32 generator;
  const r123::Philox4x32::key_type key = {{sequence.key[0], sequence.key[1]}};
  const r123::Philox4x32::ctr_type counter = {
      {item, static_cast<std::uint32_t>(index / 8), sequence.step, sequence.layer}};
  const auto words = generator(counter, key);
  const auto place = static_cast<int>(index % 8);
  const std::uint32_t word = words[static_cast<unsigned>(place / 2)];
  return sequence.scale * sequence.quantiles[place % 2 == 0 ? word & 0xFFFFU : word >> 16];
}

}  // namespace hotexpert
