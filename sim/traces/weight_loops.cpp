// Compiled once for each instruction set, like id_loops.cpp: everything but the table is local.
#include <cstring>

#include "sim/traces/loop_set.hpp"
#include "sim/traces/weight_kernels.hpp"

#define HOTEXPERT_TABLE HOTEXPERT_CONCAT(kWeightKernels, HOTEXPERT_LOOPS)

namespace hotexpert {
namespace {

constexpr float kLargest = 3.40282346638528859812e+38F;

inline float as_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// IEEE 754 binary16 without a branch: half_to_float() of array_view.hpp is its twin.
struct Half {
  using Stored = std::uint16_t;
  static float widen(std::uint16_t half) {
    const std::uint32_t magnitude = std::uint32_t{half & 0x7fffU} << 13;
    const float finite = as_float(magnitude) * 0x1p112F;  // moves the bias; exact
    std::uint32_t bits;
    std::memcpy(&bits, &finite, sizeof(bits));
    const std::uint32_t unbounded = (half & 0x7c00U) == 0x7c00U ? 0x7f800000U : 0U;
    return as_float(bits | unbounded | std::uint32_t{half & 0x8000U} << 16);
  }
};
struct Bf16 {
  using Stored = std::uint16_t;
  static float widen(std::uint16_t value) { return as_float(std::uint32_t{value} << 16); }
};
struct Float {
  using Stored = float;
  static float widen(float value) { return value; }
};

template <class Type>
bool widen(const std::byte* weights, std::size_t count, float* to) {
  std::uint32_t good = 1;
  for (std::size_t i = 0; i < count; ++i) {
    typename Type::Stored stored;
    std::memcpy(&stored, weights + i * sizeof(stored), sizeof(stored));
    const float weight = Type::widen(stored);
    good &=
        static_cast<std::uint32_t>(weight >= 0.0F) & static_cast<std::uint32_t>(weight <= kLargest);
    to[i] = weight;
  }
  return good != 0;
}

bool widen_double(const std::byte* weights, std::size_t count, float* to) {
  bool good = true;
  for (std::size_t i = 0; i < count; ++i) {
    double weight;
    std::memcpy(&weight, weights + i * sizeof(weight), sizeof(weight));
    good &= weight >= 0.0 && weight <= static_cast<double>(kLargest);
    to[i] = static_cast<float>(weight);
  }
  return good;
}

using Floats = float __attribute__((vector_size(kRegister)));
using Masks = std::int32_t __attribute__((vector_size(kRegister)));
constexpr std::size_t kLanes = kRegister / sizeof(float);

inline void load(const float* from, Floats& to) { std::memcpy(&to, from, sizeof(to)); }

inline std::int64_t set_lanes(const Masks& masks) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < kLanes; ++i) count -= masks[i];
  return count;
}

/// What a sweep over some rows sees: what sums in fp32 can tell, and what they cannot.
struct Sight {
  std::int64_t off_sums = 0;
  bool unsure = false;  // a sum near the border, or a weight below 0
  bool rises = false;   // a weight above the one before it
};

/// @param slot of lane 0   @param left lanes from 0 that count
inline void set_masks(std::size_t slot, std::size_t slots, std::size_t left, Masks& begins,
                      Masks& goes_on) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    begins[lane] = lane < left && slot == 0 ? -1 : 0;
    slot = slot + 1 == slots ? 0 : slot + 1;
    goes_on[lane] = lane < left && slot != 0 ? -1 : 0;
  }
}

/// The sum that begins at each weight is looked at where a row begins.
/// @tparam k the slots when they are known to the compiler, or 0
template <std::size_t k>
Sight look_at(const float* weights, std::size_t rows, std::size_t slots) {
  if (k > 0) slots = k;
  // A sum of k weights >= 0 in fp32 is off by less than k / 2^24 of itself.
  constexpr float kSlack = 1e-3F;
  const std::size_t count = rows * slots;
  Masks off{};
  Masks unsure{};
  Masks rising{};
  Masks begins{};        // lanes where a row begins
  Masks goes_on{};       // lanes whose next weight is of the same row
  std::size_t slot = 0;  // of lane 0
  for (std::size_t i = 0; i < count; i += kLanes) {
    // The same in every register where rows fill it; anew at the end, behind which nothing counts.
    const bool rows_fill = k > 0 && kLanes % (k > 0 ? k : 1) == 0;
    if (!rows_fill || i == 0 || count - i < kLanes)
      set_masks(slot, slots, count - i, begins, goes_on);
    Floats first;
    load(weights + i, first);
    Floats next;
    load(weights + i + 1, next);
    rising |= (next > first) & goes_on;
    unsure |= (first < 0.0F) & (begins | goes_on);
    Floats sum = first;
#pragma GCC unroll 8
    for (std::size_t j = 1; j < slots; ++j) {
      load(weights + i + j, next);
      sum += next;
    }
    const Masks around = (sum >= 0.98F - kSlack) & (sum <= 1.02F + kSlack);
    const Masks inside = (sum >= 0.98F + kSlack) & (sum <= 1.02F - kSlack);
    off += ~around & begins;
    unsure |= around & ~inside & begins;
    slot = (slot + kLanes) % slots;
  }
  return {set_lanes(off), set_lanes(unsure) != 0, set_lanes(rising) != 0};
}

WeightFaults look_closer(const float* weights, std::size_t rows, std::size_t k) {
  WeightFaults out;
  for (std::size_t row = 0; row < rows; ++row, weights += k) {
    double sum = 0;
    bool rises = false;
    for (std::size_t s = 0; s < k; ++s) {
      sum += static_cast<double>(weights[s]);
      rises |= s > 0 && weights[s] > weights[s - 1];
    }
    const double off = sum < 1.0 ? 1.0 - sum : sum - 1.0;
    out.sums += !(off <= 0.02);
    out.orders += rises;
  }
  return out;
}

WeightFaults faults(const float* weights, std::size_t rows, std::size_t k) {
  constexpr std::size_t kBlock = 256;  // rows
  const auto look = k == 1   ? look_at<1>
                    : k == 2 ? look_at<2>
                    : k == 4 ? look_at<4>
                    : k == 8 ? look_at<8>
                             : look_at<0>;
  WeightFaults out;
  for (std::size_t first = 0; first < rows; first += kBlock) {
    const std::size_t count = rows - first < kBlock ? rows - first : kBlock;
    const float* const block = weights + first * k;
    const Sight seen = look(block, count, k);
    if (seen.unsure || seen.rises) {
      const WeightFaults exact = look_closer(block, count, k);
      out.sums += exact.sums;
      out.orders += exact.orders;
    } else {
      out.sums += seen.off_sums;
    }
  }
  return out;
}

}  // namespace

extern const WeightKernels HOTEXPERT_TABLE;
const WeightKernels HOTEXPERT_TABLE = {{widen<Half>, widen<Bf16>, widen<Float>, widen_double},
                                       faults};

}  // namespace hotexpert
