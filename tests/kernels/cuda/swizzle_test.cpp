#include "kernels/cuda/plan/swizzle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "kernels/cuda/plan/grouped_mma_plan.hpp"
#include "kernels/cuda/plan/grouped_sm90_plan.hpp"
#include "kernels/cuda/plan/tensor_map.hpp"

namespace hotexpert {
namespace {

TEST(SwizzleTest, IsABijectionWithinEachEightRows) {
  for (std::uint32_t block = 0; block < 16; ++block) {
    std::set<std::uint32_t> offsets;
    for (std::uint32_t row = 8 * block; row < 8 * block + 8; ++row)
      for (std::uint32_t chunk = 0; chunk < 8; ++chunk) offsets.insert(swizzled_offset(row, chunk));
    EXPECT_EQ(offsets.size(), 64U);
    EXPECT_EQ(*offsets.begin(), block * kSwizzleBytes);
    EXPECT_EQ(*offsets.rbegin(), (block + 1) * kSwizzleBytes - 16);
  }
}

/// CUDA's 128-byte swizzle is defined on addresses: bits 4-6 are xor-ed with bits 7-9.
TEST(SwizzleTest, EqualsTheDefinitionOnAddresses) {
  for (std::uint32_t row = 0; row < 256; ++row) {
    for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
      const std::uint32_t linear = row * 128 + chunk * 16;
      EXPECT_EQ(swizzled_offset(row, chunk), linear ^ (linear >> 7 & 7U) << 4);
    }
  }
}

TEST(SwizzleTest, EightRowsOfAColumnTouchDifferentBanks) {
  for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
    std::set<std::uint32_t> banks;
    for (std::uint32_t row = 0; row < 8; ++row) banks.insert(swizzled_offset(row, chunk) % 128);
    EXPECT_EQ(banks.size(), 8U);
  }
}

TEST(WgmmaDescriptorTest, HoldsAddressStrideAndMode) {
  const std::uint64_t descriptor = wgmma_descriptor(0x1C400);
  EXPECT_EQ(descriptor & 0x3FFF, 0x1C400U >> 4);
  EXPECT_EQ(descriptor >> 32 & 0x3FFF, 1024U / 16);
  EXPECT_EQ(descriptor >> 62, 1U);
  EXPECT_EQ(descriptor >> 49 & 7, 0U) << "tiles begin at multiples of 1024: base offset 0";
}

/// The hardware finds (row, byte of a row) at start + row / 8 * stride + row % 8 * 128 + byte and
/// then swizzles the address: with a step inside the swizzle's 128 bytes that is the value the copy
/// engine put there.
TEST(WgmmaDescriptorTest, StepsOfSixteenValuesStayInsideTheSwizzle) {
  const std::uint32_t base = 48 * 1024;
  for (std::uint64_t step = 0; step < 4; ++step) {
    const std::uint64_t descriptor = wgmma_descriptor(base) + step * kDescriptorStep;
    const auto start = static_cast<std::uint32_t>(descriptor & 0x3FFF) << 4;
    EXPECT_EQ(start, base + 32 * step);
    for (std::uint32_t row = 0; row < 128; ++row) {
      for (std::uint32_t half = 0; half < 2; ++half) {
        const std::uint32_t linear = start + row / 8 * 1024 + row % 8 * 128 + 16 * half;
        const std::uint32_t physical = linear ^ (linear >> 7 & 7U) << 4;
        EXPECT_EQ(physical,
                  base + swizzled_offset(row, static_cast<std::uint32_t>(2 * step) + half));
      }
    }
  }
}

TEST(FragmentTest, EveryValueOfATileIsInOneRegisterOfOneThread) {
  std::set<std::pair<int, int>> seen;
  for (int thread = 0; thread < 128; ++thread)
    for (int j = 0; j < 32; ++j)
      for (int half = 0; half < 2; ++half)
        for (int i = 0; i < 2; ++i)
          seen.insert({fragment_row(thread, half), fragment_column(thread, j) + i});
  EXPECT_EQ(seen.size(), 64U * 256U);
  EXPECT_EQ(seen.rbegin()->first, 63);
}

/// Four lanes as the epilogue runs them: give, exchange, take, twice.
TEST(FragmentTest, TheExchangeGivesEachLaneSixteenBytesOfARow) {
  std::array<std::uint32_t[4], 4> lanes;
  for (std::uint32_t lane = 0; lane < 4; ++lane)
    for (std::uint32_t q = 0; q < 4; ++q) lanes[lane][q] = 16 * q + lane;  // 8-column block, pair
  for (int bit = 1; bit <= 2; bit *= 2) {
    for (int pair = 0; pair < 2; ++pair) {
      std::array<std::uint32_t, 4> gives{};
      for (int lane = 0; lane < 4; ++lane) {
        gives[static_cast<std::size_t>(lane)] =
            transpose_gives(lanes[static_cast<std::size_t>(lane)], bit, pair, (lane & bit) != 0);
      }
      for (int lane = 0; lane < 4; ++lane) {
        transpose_takes(lanes[static_cast<std::size_t>(lane)], bit, pair, (lane & bit) != 0,
                        gives[static_cast<std::size_t>(lane ^ bit)]);
      }
    }
  }
  for (std::uint32_t lane = 0; lane < 4; ++lane)
    for (std::uint32_t word = 0; word < 4; ++word)
      EXPECT_EQ(lanes[lane][word], 16 * lane + word) << "block = lane, pairs in order";
}

TEST(FragmentTest, MatrixStoresPutEachValueWhereTheCopyEngineTakesIt) {
  std::set<std::uint32_t> seen;
  for (int thread = 0; thread < 128; ++thread) {
    const int lane = thread % 32;
    for (int pair = 0; pair < 4; ++pair) {
      for (int m = 0; m < 4; ++m) {
        // Lane l holds values 2 * (l % 4) and the next of row l / 4 of each matrix.
        const auto stored = stored_row_offset(thread / 32, 8 * m + lane / 4, pair) +
                            4 * static_cast<std::uint32_t>(lane % 4);
        const int row = fragment_row(thread, m % 2);
        const int column = fragment_column(thread, 2 * pair + m / 2);
        EXPECT_EQ(stored, swizzled_offset(static_cast<std::uint32_t>(row),
                                          static_cast<std::uint32_t>(column / 8)) +
                              2 * static_cast<std::uint32_t>(column % 8));
        seen.insert(stored);
      }
    }
  }
  EXPECT_EQ(seen.size(), 64U * 128 / 4) << "every 4 bytes of the box once";
  EXPECT_EQ(*seen.rbegin(), 64U * 128 - 4);
}

TEST(SharedPlanTest, StagesBarriersAndSlotsLieApart) {
  const auto check = []<int kConsumers>() {
    using Plan = sm90::SharedPlan<kConsumers>;
    EXPECT_EQ(Plan::kStageBytes % kSwizzleBytes, 0);
    EXPECT_EQ(Plan::kABytes % kSwizzleBytes, 0);
    EXPECT_EQ(Plan::kBarriersAt % 8, 0);
    EXPECT_GE(Plan::kSlotsAt, Plan::kBarriersAt + 8 * Plan::kBarriers);
    EXPECT_EQ(Plan::kSlotsAt % 8, 0);
    EXPECT_LE(Plan::kLaunchBytes, 227 * 1024);
    EXPECT_EQ(Plan::kThreads, 128 * (kConsumers + 1));
  };
  check.operator()<1>();
  check.operator()<2>();
  EXPECT_EQ(sm90::SharedPlan<1>::kTileRows, 64);
  EXPECT_EQ(sm90::SharedPlan<2>::kTileRows, 128);
}

TEST(TensorMapTest, DescribesTheMatrixAndKeepsTheHardwaresLimits) {
  const auto fields = tensor_map_fields(65536, 2048, 128);
  EXPECT_EQ(fields.columns, 2048U);
  EXPECT_EQ(fields.rows, 65536U);
  EXPECT_EQ(fields.stride_bytes, 4096U);
  EXPECT_EQ(fields.box_columns * 2, 128U);
  EXPECT_EQ(fields.box_rows, 128U);
  EXPECT_FALSE(tensor_map_fault(fields));
  EXPECT_FALSE(tensor_map_fault(tensor_map_fields(1, 8, 64)));
  EXPECT_TRUE(tensor_map_fault(tensor_map_fields(1, 12, 64))) << "24-byte rows";
  EXPECT_TRUE(tensor_map_fault(tensor_map_fields(0, 64, 64)));
  EXPECT_TRUE(tensor_map_fault(tensor_map_fields((std::int64_t{1} << 32) + 1, 64, 64)));
  EXPECT_TRUE(tensor_map_fault(tensor_map_fields(64, 64, 257)));
}

TEST(MmaPlanTest, PanelRowsHoldEachWeightOfATileOnce) {
  std::set<int> plain;
  std::set<int> paired;
  for (int row = 0; row < mma::kPanelRows; ++row) {
    plain.insert(mma::weight_row(row, false, 1000));
    paired.insert(mma::weight_row(row, true, 1000));
  }
  EXPECT_EQ(plain.size(), 128U);
  EXPECT_EQ(*plain.rbegin(), 127);
  EXPECT_EQ(paired.size(), 128U);
  EXPECT_EQ(*paired.rbegin(), 1063) << "64 gates, then their ups";
}

/// A thread's gate accumulator n (0, 1) and up accumulator n + 2 belong to one output column.
TEST(MmaPlanTest, GateAndUpOfAColumnAreSixteenPanelRowsApart) {
  for (int row = 0; row < mma::kPanelRows; ++row) {
    if (row % 32 >= 16) continue;
    EXPECT_EQ(mma::weight_row(row + 16, true, 512), mma::weight_row(row, true, 512) + 512);
    EXPECT_EQ(mma::output_column(row, true), mma::output_column(row + 16, true));
    EXPECT_EQ(mma::output_column(row, true), row / 32 * 16 + row % 16);
  }
}

}  // namespace
}  // namespace hotexpert
