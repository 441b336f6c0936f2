// Compiled once for each instruction set: CMake sets HOTEXPERT_LOOPS to the suffix of the tables.
// Everything else is local to this file, so that the linker can never take a function compiled for
// AVX2 into the baseline: no templates of the standard library here.
#include <cstring>

#include "sim/traces/id_kernels.hpp"
#include "sim/traces/loop_set.hpp"

#define HOTEXPERT_TABLE(lanes) \
  HOTEXPERT_CONCAT(HOTEXPERT_CONCAT(kIdKernels, HOTEXPERT_LOOPS), lanes)

namespace hotexpert {
namespace {

template <class Lane>
struct RegisterOf;
template <>
struct RegisterOf<std::uint8_t> {
  using Type = std::uint8_t __attribute__((vector_size(kRegister)));
};
template <>
struct RegisterOf<std::uint16_t> {
  using Type = std::uint16_t __attribute__((vector_size(kRegister)));
};
template <class Lane>
using Register = typename RegisterOf<Lane>::Type;
template <class Lane>
constexpr std::size_t kLanes = kRegister / sizeof(Lane);
template <class Lane>
constexpr Lane kAllBits = static_cast<Lane>(~Lane{0});

/// `value` in every lane.
template <class Lane>
inline void fill(Lane value, Register<Lane>& lanes) {
  Lane values[kLanes<Lane>];
  for (std::size_t i = 0; i < kLanes<Lane>; ++i) values[i] = value;
  std::memcpy(&lanes, values, sizeof(lanes));
}

template <class Lane>
inline void load(const Lane* from, Register<Lane>& to) {
  std::memcpy(&to, from, sizeof(to));
}

template <class Lane>
inline bool any(const Register<Lane>& lanes) {
  std::uint64_t words[kRegister / 8];
  std::memcpy(words, &lanes, sizeof(words));
  std::uint64_t all = 0;
  for (const auto word : words) all |= word;
  return all != 0;
}

/// Lanes 0 to n - 1 all ones.
template <class Lane>
inline void keep_first(std::size_t n, Register<Lane>& lanes) {
  for (std::size_t i = n; i < kLanes<Lane>; ++i) lanes[i] = 0;
}

template <class T>
inline T element(const std::byte* ids, std::size_t i) {
  T value;
  std::memcpy(&value, ids + i * sizeof(T), sizeof(T));
  return value;
}

template <class T>
struct UnsignedOf {
  using Type = T;
};
template <>
struct UnsignedOf<std::int8_t> {
  using Type = std::uint8_t;
};
template <>
struct UnsignedOf<std::int16_t> {
  using Type = std::uint16_t;
};
template <>
struct UnsignedOf<std::int32_t> {
  using Type = std::uint32_t;
};
template <>
struct UnsignedOf<std::int64_t> {
  using Type = std::uint64_t;
};

/// The last expert id that T can hold, as T's unsigned twin: negative ids lie above it.
template <class T>
inline auto last_expert(std::uint32_t experts) {
  using U = typename UnsignedOf<T>::Type;
  constexpr auto kMost = static_cast<U>(T(-1) < T(0) ? U(-1) / 2 : U(-1));
  return sizeof(T) == 1 && experts > kMost ? kMost : static_cast<U>(experts - 1);
}

template <class T, class Lane>
bool narrow(const std::byte* ids, std::size_t count, std::uint32_t experts, Lane* to) {
  using U = typename UnsignedOf<T>::Type;
  const U last = last_expert<T>(experts);
  U bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const U id = element<U>(ids, i);
    bad = static_cast<U>(bad | (id > last));
    to[i] = static_cast<Lane>(id);
  }
  return bad == 0;
}

template <class T, class Lane>
void replace(const std::byte* ids, std::size_t count, std::uint32_t experts, std::int64_t absent,
             Lane none, Lane* to) {
  using U = typename UnsignedOf<T>::Type;
  const U last = last_expert<T>(experts);
  // An absent id that does not fit T is met by no id.
  const bool has_absent = static_cast<std::int64_t>(static_cast<T>(absent)) == absent;
  const auto left_out = static_cast<U>(has_absent ? static_cast<T>(absent) : T(-1));
  const auto no_id = static_cast<U>(has_absent ? ~U(0) : U(0));
  for (std::size_t i = 0; i < count; ++i) {
    const U id = element<U>(ids, i);
    const bool is_left_out = ((id ^ left_out) | static_cast<U>(~no_id)) == 0;
    to[i] = (id > last) | is_left_out ? none : static_cast<Lane>(id);
  }
}

/// @tparam k the slots when they are known to the compiler, or 0
template <class Lane, std::size_t k>
bool sound_rows(const Lane* ids, std::size_t count, std::size_t slots, const Lane* masks,
                std::uint32_t experts, Lane absent, bool has_absent) {
  constexpr std::size_t kStep = kLanes<Lane>;
  if (k > 0) slots = k;
  const std::size_t mask_row = (2 * slots - 1) * kStep;
  const Lane* const first_mask = masks + (slots - 1) * kStep;  // j = 0
  Register<Lane> last;
  fill<Lane>(static_cast<Lane>(experts - 1), last);
  Register<Lane> no;
  fill<Lane>(absent, no);
  Register<Lane> absent_on;
  fill<Lane>(has_absent ? kAllBits<Lane> : Lane{0}, absent_on);
  Register<Lane> bad{};
  std::size_t phase = 0;  // slot of lane 0
  std::size_t phase_row = 0;
  for (std::size_t i = 0; i < count; i += kStep) {
    Register<Lane> id;
    load(ids + i, id);
    Register<Lane> wrong = reinterpret_cast<Register<Lane>>(id > last) |
                           (reinterpret_cast<Register<Lane>>(id == no) & absent_on);
    const Lane* mask_at = first_mask + phase_row * mask_row;
#pragma GCC unroll 8
    for (std::size_t j = 1; j < slots; ++j) {
      Register<Lane> other;
      Register<Lane> mask;
      load(ids + i + j, other);
      load(mask_at + j * kStep, mask);
      wrong |= reinterpret_cast<Register<Lane>>(id == other) & mask;
    }
    if (count - i < kStep) keep_first<Lane>(count - i, wrong);
    bad |= wrong;
    phase = (phase + kStep) % slots;
    phase_row = phase == 0 ? 0 : phase_row + 1;
  }
  return !any<Lane>(bad);
}

template <class Lane>
inline std::int64_t sum_of(const Register<Lane>& lanes) {
  Lane values[kLanes<Lane>];
  std::memcpy(values, &lanes, sizeof(lanes));
  std::int64_t sum = 0;
  for (const auto value : values) sum += value;
  return sum;
}

template <class Lane, std::size_t k>
std::int64_t overlap_rows(const Lane* ids, std::size_t count, std::size_t slots, const Lane* masks,
                          Lane none, bool has_none) {
  constexpr std::size_t kStep = kLanes<Lane>;
  constexpr std::size_t kMostHits = (std::size_t{1} << (8 * sizeof(Lane))) - 1;  // of a lane
  if (k > 0) slots = k;
  const std::size_t mask_row = (2 * slots - 1) * kStep;
  Register<Lane> left_out;
  fill<Lane>(none, left_out);
  Register<Lane> none_off;
  fill<Lane>(has_none ? Lane{0} : kAllBits<Lane>, none_off);
  std::int64_t total = 0;
  Register<Lane> hits{};
  std::size_t hits_left = kMostHits;
  std::size_t phase = 0;
  std::size_t phase_row = 0;
  for (std::size_t i = 0; i < count; i += kStep) {
    Register<Lane> id;
    load(ids + i, id);
    Register<Lane> hit{};
    const Lane* const before = ids + i - (2 * slots - 1);
    const Lane* const mask_at = masks + phase_row * mask_row;
#pragma GCC unroll 16
    for (std::size_t j = 0; j < 2 * slots - 1; ++j) {
      Register<Lane> other;
      Register<Lane> mask;
      load(before + j, other);
      load(mask_at + j * kStep, mask);
      hit |= reinterpret_cast<Register<Lane>>(id == other) & mask;
    }
    hit &= reinterpret_cast<Register<Lane>>(id != left_out) | none_off;
    if (count - i < kStep) keep_first<Lane>(count - i, hit);
    hits -= hit;
    if (--hits_left == 0) {
      total += sum_of<Lane>(hits);
      hits = Register<Lane>{};
      hits_left = kMostHits;
    }
    phase = (phase + kStep) % slots;
    phase_row = phase == 0 ? 0 : phase_row + 1;
  }
  return total + sum_of<Lane>(hits);
}

template <class Lane>
void tally(const Lane* ids, std::size_t count, std::uint32_t experts, std::uint16_t* counts) {
  constexpr std::size_t kStep = kLanes<Lane>;
  constexpr std::size_t kTogether = 8;            // experts: registers for their counts
  constexpr std::size_t kMostHits = 254 * kStep;  // ids until a lane is full
  for (std::size_t begin = 0; begin < count; begin += kMostHits) {
    const std::size_t end = count - begin < kMostHits ? count : begin + kMostHits;
    for (std::uint32_t first = 0; first < experts; first += kTogether) {
      Register<Lane> expert[kTogether] = {};
      Register<Lane> hits[kTogether] = {};
      for (std::size_t e = 0; e < kTogether; ++e)
        fill<Lane>(static_cast<Lane>(first + e), expert[e]);
      std::size_t i = begin;
      Register<Lane> id;
      for (; i + kStep <= end; i += kStep) {
        load(ids + i, id);
#pragma GCC unroll 8
        for (std::size_t e = 0; e < kTogether; ++e)
          hits[e] -= reinterpret_cast<Register<Lane>>(id == expert[e]);
      }
      Register<Lane> meant;
      fill<Lane>(kAllBits<Lane>, meant);
      keep_first<Lane>(end - i, meant);
      load(ids + i, id);
      for (std::size_t e = 0; e < kTogether; ++e)
        hits[e] -= reinterpret_cast<Register<Lane>>(id == expert[e]) & meant;
      for (std::size_t e = 0; e < kTogether && first + e < experts; ++e) {
        counts[first + e] = static_cast<std::uint16_t>(counts[first + e] + sum_of<Lane>(hits[e]));
      }
    }
  }
}

template <class Lane>
bool sound(const Lane* ids, std::size_t count, std::size_t k, const Lane* masks,
           std::uint32_t experts, Lane absent, bool has_absent) {
  const auto rows = k == 1   ? sound_rows<Lane, 1>
                    : k == 2 ? sound_rows<Lane, 2>
                    : k == 4 ? sound_rows<Lane, 4>
                    : k == 6 ? sound_rows<Lane, 6>
                    : k == 8 ? sound_rows<Lane, 8>
                             : sound_rows<Lane, 0>;
  return rows(ids, count, k, masks, experts, absent, has_absent);
}

template <class Lane>
std::int64_t overlap(const Lane* ids, std::size_t count, std::size_t k, const Lane* masks,
                     Lane none, bool has_none) {
  const auto rows = k == 1   ? overlap_rows<Lane, 1>
                    : k == 2 ? overlap_rows<Lane, 2>
                    : k == 4 ? overlap_rows<Lane, 4>
                    : k == 6 ? overlap_rows<Lane, 6>
                    : k == 8 ? overlap_rows<Lane, 8>
                             : overlap_rows<Lane, 0>;
  return rows(ids, count, k, masks, none, has_none);
}

template <class Lane>
constexpr IdKernels<Lane> kTable = {
    kLanes<Lane>,
    {narrow<std::uint8_t, Lane>, narrow<std::int8_t, Lane>, narrow<std::uint16_t, Lane>,
     narrow<std::int16_t, Lane>, narrow<std::uint32_t, Lane>, narrow<std::int32_t, Lane>,
     narrow<std::uint64_t, Lane>, narrow<std::int64_t, Lane>},
    {replace<std::uint8_t, Lane>, replace<std::int8_t, Lane>, replace<std::uint16_t, Lane>,
     replace<std::int16_t, Lane>, replace<std::uint32_t, Lane>, replace<std::int32_t, Lane>,
     replace<std::uint64_t, Lane>, replace<std::int64_t, Lane>},
    sound<Lane>,
    overlap<Lane>,
    tally<Lane>};

}  // namespace

extern const IdKernels<std::uint8_t> HOTEXPERT_TABLE(Narrow);
extern const IdKernels<std::uint16_t> HOTEXPERT_TABLE(Wide);
const IdKernels<std::uint8_t> HOTEXPERT_TABLE(Narrow) = kTable<std::uint8_t>;
const IdKernels<std::uint16_t> HOTEXPERT_TABLE(Wide) = kTable<std::uint16_t>;

}  // namespace hotexpert
