#include "kernels/normal_data.hpp"

#include <array>
#include <cstring>

#include "kernels/bfloat16.hpp"
#include "sim/base/math.hpp"

namespace hotexpert {
namespace {

constexpr int kValues = 65536;
constexpr int kPerBlock = 8;  // 16-bit numbers in one Philox block of 128 bits

const std::array<float, kValues>& quantiles() {
  static const auto table = [] {
    std::array<float, kValues> values{};
    for (int i = 0; i < kValues; ++i) {
      values[static_cast<std::size_t>(i)] =
          static_cast<float>(portable_normal_quantile((i + 0.5) / kValues));
    }
    return values;
  }();
  return table;
}

void store(float value, float* out) { *out = value; }
void store(float value, Bf16* out) { *out = to_bf16(value); }

template <class Element>
void fill(const RandomKey& key, std::uint32_t item, std::int64_t first, std::int64_t count,
          float scale, Element* out) {
  const auto& table = quantiles();
  for (std::int64_t done = 0; done < count; done += kPerBlock) {
    const auto words = philox(key, item, static_cast<std::uint32_t>((first + done) / kPerBlock));
    std::array<std::uint16_t, kPerBlock> halves{};
    for (std::size_t i = 0; i < words.size(); ++i) {
      halves[2 * i] = static_cast<std::uint16_t>(words[i]);
      halves[2 * i + 1] = static_cast<std::uint16_t>(words[i] >> 16);
    }
    const std::int64_t here = std::min<std::int64_t>(kPerBlock, count - done);
    for (std::int64_t i = 0; i < here; ++i) {
      store(scale * table[halves[static_cast<std::size_t>(i)]], out + done + i);
    }
  }
}

}  // namespace

std::span<const float> normal_quantiles() { return quantiles(); }

void fill_normal(const RandomKey& key, std::uint32_t item, std::int64_t first, std::int64_t count,
                 float scale, DataType dtype, std::byte* out) {
  void* elements = out;
  if (dtype == DataType::kFp32) {
    fill(key, item, first, count, scale, static_cast<float*>(elements));
  } else {
    fill(key, item, first, count, scale, static_cast<Bf16*>(elements));
  }
}

}  // namespace hotexpert
