#include <gtest/gtest.h>

#include <stdexcept>

#include "profiler/straggler_ledger.hpp"
#include "tests/profiler/fake_kernel.hpp"

namespace hotexpert {
namespace {

constexpr int kExperts = 12;
constexpr double kFixed_ns = 900;
constexpr double kRow_ns = 100;

/// Tiles cost a fixed time and a time a row; column 1 takes twice as long a row; ragged experts.
FakeKernel ragged_kernel(std::vector<std::int64_t> rows) {
  FakeKernel kernel{grid_of(std::move(rows), 2, 64, 2), kRow_ns, 1'000'000};
  kernel.grid.computes_full_tiles = false;
  kernel.slowdown = [grid = kernel.grid](const TileRecord& tile) {
    const auto computed = static_cast<double>(rows_of(grid, tile).computed());
    return (tile.column_tile == 0 ? 1.0 : 2.0) + kFixed_ns / (computed * kRow_ns);
  };
  return kernel;
}

ObservedPass pass_of(const FakeKernel& kernel) {
  ObservedPass pass;
  pass.timeline = kernel.run();
  pass.times.expert_ffn_s = summarise(pass.timeline).span_s;
  pass.times.total_s = *pass.times.expert_ffn_s;
  return pass;
}

std::vector<std::int64_t> zipf_like_rows() {
  std::vector<std::int64_t> rows;
  for (int expert = 0; expert < kExperts; ++expert) rows.push_back(300 / (expert + 1));
  return rows;
}

TEST(TileReferenceTest, LearnsTheFixedPartAndTheRateOfEachColumn) {
  const ObservedPass passes[] = {pass_of(ragged_kernel(zipf_like_rows()))};
  const auto reference = learn_tiles(passes);
  ASSERT_EQ(reference.fixed_s.size(), 2U);
  for (int column : {0, 1}) {
    const auto index = static_cast<std::size_t>(column);
    EXPECT_NEAR(reference.fixed_s[index], 1e-9 * kFixed_ns, 2e-9);
    EXPECT_NEAR(reference.second_a_row[index], 1e-9 * kRow_ns * (column + 1), 1e-10);
    EXPECT_NEAR(reference.expected_s(column, 10), 1e-9 * (kFixed_ns + 10 * kRow_ns * (column + 1)),
                5e-9);
  }
  EXPECT_EQ(reference.expected_s(0, 0), 0) << "no rows, no tile";
}

TEST(TileReferenceTest, ASlowExpertDoesNotBendIt) {
  auto kernel = ragged_kernel(zipf_like_rows());
  kernel.slowdown = [plain = kernel.slowdown](const TileRecord& tile) {
    return plain(tile) * (tile.expert == 1 ? 3 : 1);
  };
  const ObservedPass passes[] = {pass_of(kernel)};
  const auto reference = learn_tiles(passes);
  EXPECT_NEAR(reference.second_a_row[0], 1e-9 * kRow_ns, 5e-9);
}

TEST(TileReferenceTest, EqualTilesGiveARateAlone) {
  const ObservedPass passes[] = {pass_of(ragged_kernel(std::vector<std::int64_t>(kExperts, 60)))};
  const auto reference = learn_tiles(passes);
  EXPECT_EQ(reference.fixed_s[0], 0);
  EXPECT_NEAR(reference.expected_s(0, 60), 1e-9 * (kFixed_ns + 60 * kRow_ns), 2e-9);
}

TEST(TileReferenceTest, PassesWithoutTilesTeachNothing) {
  EXPECT_THROW(learn_tiles({}), std::logic_error);
  const ObservedPass empty;
  EXPECT_THROW(learn_tiles(std::span(&empty, 1)), std::logic_error);
}

/// Few rows in many tiles: what they cost more is weights, not the fault of an expert.
TEST(TileReferenceTest, TilesOfFewRowsAreBookedToWeights) {
  const auto control = pass_of(ragged_kernel(std::vector<std::int64_t>(kExperts, 64)));
  std::vector<std::int64_t> rows(kExperts, 32);
  rows[4] = kExperts * 64 - (kExperts - 1) * 32;
  const auto measured = pass_of(ragged_kernel(rows));
  const ObservedPass healthy[] = {control, measured};
  const auto ledger = book_straggler(measured, control, learn_tiles(healthy));
  // Six more row tiles in two columns on two workers.
  EXPECT_NEAR(ledger.booked_s(LedgerCause::kWeightBytes), 6 * 2 * 1e-9 * kFixed_ns / 2, 1e-8);
  EXPECT_NEAR(ledger.booked_s(LedgerCause::kUnexplained), 0, 2e-8);
  EXPECT_NEAR(ledger.booked_s(LedgerCause::kTokenRows), 0, 1e-12);
}

/// The hot expert is slow and the only one with large tiles. From the same pass its time cannot be
/// told from what large tiles cost; the same loads on other experts tell.
TEST(TileReferenceTest, TheSameLoadsOnOtherExpertsUncoverASlowHotExpert) {
  auto rows = std::vector<std::int64_t>(kExperts, 20);
  rows[3] = 60;
  auto kernel = ragged_kernel(rows);
  kernel.slowdown = [plain = kernel.slowdown](const TileRecord& tile) {
    return plain(tile) * (tile.expert == 3 ? 2 : 1);
  };
  const auto measured = pass_of(kernel);
  const auto control = pass_of(ragged_kernel(std::vector<std::int64_t>(kExperts, 23)));
  std::swap(rows[3], rows[7]);
  const ObservedPass healthy[] = {control, pass_of(ragged_kernel(rows))};
  const auto ledger = book_straggler(measured, control, learn_tiles(healthy));
  EXPECT_EQ(ledger.entries.front().cause, LedgerCause::kExpert);
  EXPECT_EQ(ledger.entries.front().index, 3);
}

TEST(MeanLedgerTest, AddsUpLikeEachOfItsParts) {
  const auto control = pass_of(ragged_kernel(std::vector<std::int64_t>(kExperts, 64)));
  std::vector<StragglerLedger> ledgers;
  for (const std::int64_t extra : {10, 50, 90}) {
    auto rows = std::vector<std::int64_t>(kExperts, 64);
    rows[2] += extra;
    ledgers.push_back(book_straggler(pass_of(ragged_kernel(rows)), control));
  }
  const auto mean = mean_ledger(ledgers);
  double sum = 0;
  for (const auto& entry : mean.entries) sum += entry.seconds;
  EXPECT_NEAR(sum, mean.difference_s(), 1e-12);
  EXPECT_NEAR(mean.measured_s,
              (ledgers[0].measured_s + ledgers[1].measured_s + ledgers[2].measured_s) / 3, 1e-15);
  EXPECT_THROW(mean_ledger({}), std::logic_error);
}

}  // namespace
}  // namespace hotexpert
