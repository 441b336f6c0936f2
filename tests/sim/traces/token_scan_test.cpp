#include "sim/traces/token_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sim/base/random.hpp"
#include "sim/traces/sound_rows.hpp"

namespace hotexpert {
namespace {

struct Case {
  TraceArrays arrays;
  int experts = 0;
};

template <class T>
ArrayView as_array(const std::vector<std::int64_t>& ids, std::vector<std::int64_t> shape,
                   ElementType type) {
  std::vector<std::uint8_t> bytes;
  for (const auto id : ids) {
    const auto value = static_cast<T>(id);
    std::uint8_t raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes.insert(bytes.end(), raw, raw + sizeof(T));
  }
  ArrayView out = owned_array(std::move(bytes), std::move(shape));
  out.type = type;
  return out;
}

/// Any shape, any integer type, now and then with absent, repeated and impossible ids.
Case random_case(RandomStream& random) {
  constexpr ElementType kTypes[] = {ElementType::kU8,  ElementType::kI8,  ElementType::kU16,
                                    ElementType::kI16, ElementType::kU32, ElementType::kI32,
                                    ElementType::kU64, ElementType::kI64};
  const auto type = kTypes[random.below(8)];
  const bool small = size_of(type) == 1;
  Case out;
  out.experts = static_cast<int>(1 + random.below(small && random.below(4) > 0 ? 120 : 700));
  if (random.below(8) == 0) out.experts = 255 + static_cast<int>(random.below(3));
  const std::int64_t slots =
      1 + random.below(std::min<std::uint32_t>(17, static_cast<std::uint32_t>(out.experts)));
  const std::int64_t layers = 1 + random.below(5);
  const std::int64_t tokens = 1 + random.below(300);
  const bool sound = random.below(2) == 0;
  if (random.below(3) == 0) out.arrays.absent_id = random.below(2) == 0 ? 99 : out.experts - 1;
  std::vector<std::int64_t> ids;
  for (std::int64_t row = 0; row < tokens * layers; ++row) {
    const auto first = random.below(static_cast<std::uint32_t>(out.experts));
    for (std::int64_t s = 0; s < slots; ++s) {
      std::int64_t id = (first + s) % out.experts;
      if (!sound && random.below(10) == 0) {
        const std::int64_t strange[] = {-1, -7, out.experts, 127, 40000, 70000, first};
        id = strange[random.below(7)];
      }
      ids.push_back(id);
    }
  }
  const std::vector<std::int64_t> shape = {tokens, layers, slots};
  // What import says of such a trace: the scan may then leave looking to it.
  out.arrays.num_experts = out.experts;
  out.arrays.every_slot_is_sound =
      sound && (!small || out.experts <= 128) && !out.arrays.absent_id && random.below(2) == 0;
  out.arrays.topk_ids = with_integer_type(
      type, [&](auto element) { return as_array<decltype(element)>(ids, shape, type); });
  return out;
}

/// The obvious twins, an id at a time.
bool is_expert(const Case& c, std::int64_t at) {
  const auto id = c.arrays.topk_ids.integer(at);
  return id >= 0 && id < c.experts && !(c.arrays.absent_id && id == *c.arrays.absent_id);
}

std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> counted_plainly(const Case& c) {
  const std::int64_t layers = c.arrays.layers();
  const std::int64_t slots = c.arrays.slots();
  std::vector<std::int64_t> load(static_cast<std::size_t>(layers * c.experts));
  std::vector<std::int64_t> common(static_cast<std::size_t>(layers));
  for (std::int64_t row = 0; row < c.arrays.tokens() * layers; ++row) {
    for (std::int64_t at = row * slots; at < (row + 1) * slots; ++at) {
      if (!is_expert(c, at)) continue;
      const auto id = c.arrays.topk_ids.integer(at);
      ++load[static_cast<std::size_t>(row % layers * c.experts + id)];
      if (row < layers) continue;
      bool met = false;
      for (std::int64_t b = (row - layers) * slots; b < (row - layers + 1) * slots; ++b)
        met = met || (is_expert(c, b) && c.arrays.topk_ids.integer(b) == id);
      common[static_cast<std::size_t>(row % layers)] += met;
    }
  }
  return {load, common};
}

TEST(TokenScanTest, LoadsAndOverlapAreThoseOfAnIdAtATime) {
  RandomStream random({.seed = 31, .purpose = RandomPurpose::kTest}, 0);
  for (int trial = 0; trial < 600; ++trial) {
    const Case c = random_case(random);
    TokenScan scan(c.arrays, c.experts);
    std::vector<std::int64_t> load(static_cast<std::size_t>(c.arrays.layers() * c.experts));
    const std::int64_t step = 1 + random.below(100);
    for (std::int64_t first = 0; first < c.arrays.tokens(); first += step)
      scan.add(first, std::min(first + step, c.arrays.tokens()), load);
    const auto [expected_load, expected_common] = counted_plainly(c);
    ASSERT_EQ(load, expected_load) << "trial " << trial << ", slots " << c.arrays.slots();
    ASSERT_EQ(scan.common(), expected_common)
        << "trial " << trial << ", slots " << c.arrays.slots();
  }
}

TEST(TokenScanTest, CountsDoNotOverflowInLongStepsOfOneExpert) {
  constexpr std::int64_t kTokens = 700'000;  // more hits on one place than 16 bits hold
  TraceArrays arrays;
  arrays.topk_ids = owned_array(std::vector<std::uint8_t>(kTokens, 3), {kTokens, 1, 1});
  TokenScan scan(arrays, 8);
  std::vector<std::int64_t> load(8);
  scan.add(0, kTokens, load);
  EXPECT_EQ(load[3], kTokens);
  EXPECT_EQ(scan.common()[0], kTokens - 1);
}

TEST(SoundRowsTest, RowsAreSoundOnlyWhereEveryOneIs) {
  RandomStream random({.seed = 32, .purpose = RandomPurpose::kTest}, 0);
  int sound_runs = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const Case c = random_case(random);
    const std::int64_t slots = c.arrays.slots();
    const std::int64_t rows = c.arrays.tokens() * c.arrays.layers();
    const SoundRows check(c.arrays.slots(), c.experts, c.arrays.absent_id);
    const auto type = c.arrays.topk_ids.type;
    for (std::int64_t first = 0; first < rows; first += 100) {
      const std::int64_t count = 1 + random.below(static_cast<std::uint32_t>(rows - first));
      bool expected = true;
      for (std::int64_t row = first; row < first + count; ++row) {
        std::set<std::int64_t> seen;
        for (std::int64_t at = row * slots; at < (row + 1) * slots; ++at) {
          expected =
              expected && is_expert(c, at) && seen.insert(c.arrays.topk_ids.integer(at)).second;
        }
      }
      const std::byte* ids =
          c.arrays.topk_ids.data + static_cast<std::size_t>(first * slots) * size_of(type);
      ASSERT_EQ(check.all_sound(type, ids, count), expected) << "trial " << trial;
      sound_runs += expected;
    }
  }
  EXPECT_GT(sound_runs, 500);
}

}  // namespace
}  // namespace hotexpert
