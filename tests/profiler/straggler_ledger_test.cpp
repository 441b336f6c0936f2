#include "profiler/straggler_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "tests/profiler/fake_kernel.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;

constexpr int kExperts = 16;
constexpr int kWorkers = 8;
constexpr std::int64_t kTile = 16;

/// One balanced control and one skewed pass on a fake machine whose tiles scatter by 2 %.
struct Case {
  explicit Case(std::uint32_t trial) : stream({.seed = 24}, trial) {
    control = kernel_of(std::vector<std::int64_t>(kExperts, 256));
    measured = kernel_of(skewed_rows());
    hot = static_cast<int>(std::ranges::max_element(measured.grid.token_rows) -
                           measured.grid.token_rows.begin());
  }

  /// As many rows as the control's, whole tiles, one expert hot.
  std::vector<std::int64_t> skewed_rows() {
    std::vector<std::int64_t> rows(kExperts, 0);
    const auto hot_expert = stream.below(kExperts);
    for (int tile = 0; tile < kExperts * 256 / kTile; ++tile) {
      const auto expert = stream.uniform() < 0.2 ? hot_expert : stream.below(kExperts);
      rows[expert] += kTile;
    }
    return rows;
  }

  [[nodiscard]] FakeKernel kernel_of(std::vector<std::int64_t> rows) const {
    return {grid_of(std::move(rows), kWorkers, kTile, 2), 100, 1'000'000};
  }

  ObservedPass observe(FakeKernel kernel) {
    const auto planted = kernel.slowdown;
    kernel.slowdown = [this, planted](const TileRecord& tile) {
      return planted(tile) * std::exp(0.02 * stream.normal());
    };
    ObservedPass pass;
    pass.timeline = kernel.run();
    pass.times = phases_around(pass.timeline);
    return pass;
  }

  StragglerLedger book() {
    auto control_pass = observe(control);
    auto measured_pass = observe(measured);
    measured_pass.times.total_s += host_stall_s + movement_s + all_to_all_s;
    *measured_pass.times.permute_s += movement_s;
    if (all_to_all_s > 0) measured_pass.times.all_to_all_s = all_to_all_s;
    if (clock_hz > 0) {
      control_pass.clock_hz = 2e9;
      measured_pass.clock_hz = clock_hz;
    }
    measured_pass.weight_read_s = control_pass.weight_read_s = weight_read_s;
    return book_straggler(measured_pass, control_pass);
  }

  RandomStream stream;
  FakeKernel control;
  FakeKernel measured;
  int hot = 0;
  double host_stall_s = 0;
  double movement_s = 0;
  double all_to_all_s = 0;
  double clock_hz = 0;
  double weight_read_s = 0;
};

struct Plant {
  std::string name;
  LedgerCause cause;
  /// Changes the case; returns the index that the ledger must name, or -1.
  int (*plant)(Case&);
};
void PrintTo(const Plant& plant, std::ostream* out) { *out << plant.name; }

const Plant kPlants[] = {
    {"slow_expert", LedgerCause::kExpert,
     [](Case& c) {
       c.measured.slowdown = [hot = c.hot](const TileRecord& tile) {
         return tile.expert == hot ? 2.0 : 1.0;
       };
       return c.hot;
     }},
    {"slow_worker", LedgerCause::kWorker,
     [](Case& c) {
       const int slow = static_cast<int>(c.stream.below(kWorkers));
       c.measured.slowdown = [slow](const TileRecord& tile) {
         return tile.worker == slow ? 3.0 : 1.0;
       };
       return slow;
     }},
    {"host_stall", LedgerCause::kHostGaps,
     [](Case& c) {
       c.host_stall_s = 50e-6;
       return -1;
     }},
    {"slow_movement", LedgerCause::kMovement,
     [](Case& c) {
       c.movement_s = 30e-6;
       return -1;
     }},
    {"all_to_all", LedgerCause::kAllToAll,
     [](Case& c) {
       c.all_to_all_s = 40e-6;
       return -1;
     }},
    {"capacity_padding", LedgerCause::kCapacityPadding,
     [](Case& c) {
       auto& grid = c.measured.grid;
       const auto most = std::ranges::max(grid.token_rows);
       grid.computed_rows.assign(grid.computed_rows.size(), most);
       return -1;
     }},
    {"row_padding", LedgerCause::kRowPadding,
     [](Case& c) {
       // The same rows in experts that all end one row into a tile.
       auto& grid = c.measured.grid;
       grid.token_rows.assign(8 * kExperts, 2 * kTile + 1);
       grid.computed_rows = grid.token_rows;
       c.control.grid.token_rows.assign(kExperts, 8 * (2 * kTile + 1));
       c.control.grid.computed_rows = c.control.grid.token_rows;
       return -1;
     }},
    {"lower_clock", LedgerCause::kClock,
     [](Case& c) {
       c.clock_hz = 1.5e9;
       c.measured.slowdown = [](const TileRecord&) { return 4.0 / 3; };
       return -1;
     }},
    {"weight_bytes", LedgerCause::kWeightBytes,
     [](Case& c) {
       // Half of the experts idle: half of the weights are not read.
       auto& grid = c.measured.grid;
       for (std::size_t i = 0; i < grid.token_rows.size(); ++i)
         grid.token_rows[i] = i % 2 == 0 ? 512 : 0;
       grid.computed_rows = grid.token_rows;
       c.weight_read_s = 3e-6;
       const auto share_ns = [](double tiles) { return 3000.0 * kWorkers / tiles / (kTile * 100); };
       c.control.slowdown = [=](const TileRecord&) { return 1 + share_ns(2 * 256.0 / kTile); };
       c.measured.slowdown = [=](const TileRecord&) { return 1 + share_ns(2 * 512.0 / kTile); };
       return -1;
     }},
};

class LedgerPlantTest : public testing::TestWithParam<Plant> {};

TEST_P(LedgerPlantTest, IsNamedFirstAndLittleStaysUnexplained) {
  int named = 0;
  int explained = 0;
  for (std::uint32_t trial = 0; trial < 100; ++trial) {
    Case c(trial);
    const int index = GetParam().plant(c);
    const auto ledger = c.book();
    const auto& top = ledger.entries.front();
    named += top.cause == GetParam().cause && top.index == index ? 1 : 0;
    explained += std::abs(ledger.booked_s(LedgerCause::kUnexplained)) <=
                         0.10 * std::abs(ledger.difference_s())
                     ? 1
                     : 0;
    double sum = 0;
    for (const auto& entry : ledger.entries) sum += entry.seconds;
    EXPECT_NEAR(sum, ledger.difference_s(), 1e-12) << "trial " << trial;
  }
  RecordProperty("named", named);
  RecordProperty("explained", explained);
  EXPECT_GE(named, 95);
  EXPECT_GE(explained, 95);
}

INSTANTIATE_TEST_SUITE_P(Plants, LedgerPlantTest, testing::ValuesIn(kPlants),
                         [](const auto& row) { return row.param.name; });

TEST(StragglerLedgerTest, AnUnknownCauseStaysUnexplained) {
  for (std::uint32_t trial = 0; trial < 100; ++trial) {
    Case c(trial);
    RandomStream luck({.seed = 25}, trial);
    // Some tiles, of any expert on any worker, take three times as long: nothing in the ledger
    // knows why.
    c.measured.slowdown = [&luck](const TileRecord&) { return luck.uniform() < 0.3 ? 3.0 : 1.0; };
    const auto ledger = c.book();
    EXPECT_EQ(ledger.entries.front().cause, LedgerCause::kUnexplained) << "trial " << trial;
    EXPECT_GT(ledger.booked_s(LedgerCause::kUnexplained), 0.7 * ledger.difference_s());
  }
}

TEST(StragglerLedgerTest, AGlobalSlowdownIsNobodysFault) {
  Case c(0);
  c.measured.slowdown = [](const TileRecord&) { return 1.5; };
  const auto ledger = c.book();
  EXPECT_EQ(ledger.entries.front().cause, LedgerCause::kUnexplained);
  EXPECT_NEAR(ledger.booked_s(LedgerCause::kWorker), 0, 1e-9);
}

TEST(StragglerLedgerTest, AHotExpertThatComesLastHoldsTheOthersUp) {
  Case c(0);
  std::vector<std::int64_t> rows(kExperts, 256);
  rows.back() = 256 + 8 * kTile;
  rows.front() = 256 - 8 * kTile;
  c.measured.grid = grid_of(rows, kWorkers, kTile, 2);
  // Its tiles depend on each other: they all run on one worker at the end.
  auto pass = c.observe(c.control);
  const auto control = pass;
  auto& tiles = pass.timeline.tiles;
  std::uint64_t now = pass.timeline.end_ns();
  for (auto& tile : tiles) {
    if (tile.expert != kExperts - 1) continue;
    const auto duration = tile.end_ns - tile.begin_ns;
    tile.worker = 0;
    tile.begin_ns = now;
    tile.end_ns = now += duration;
  }
  pass.timeline = make_timeline(pass.timeline.grid, tiles);
  pass.times.expert_ffn_s = summarise(pass.timeline).span_s + 1e-6;
  pass.times.total_s = *pass.times.expert_ffn_s + 12e-6;
  const auto ledger = book_straggler(pass, control);
  EXPECT_EQ(ledger.entries.front().cause, LedgerCause::kExpert);
  EXPECT_EQ(ledger.entries.front().index, kExperts - 1);
  EXPECT_GT(ledger.entries.front().seconds, 0.8 * ledger.difference_s());
  EXPECT_THAT(ledger.entries.front().sentence(), HasSubstr("expert 15: +"));
}

TEST(StragglerLedgerTest, APassAgainstItselfHasNothingToBook) {
  Case c(3);
  const auto pass = c.observe(c.measured);
  const auto ledger = book_straggler(pass, pass);
  EXPECT_EQ(ledger.difference_s(), 0);
  EXPECT_TRUE(ledger.entries.empty());
}

TEST(StragglerLedgerTest, RefusesPassesThatCannotBeCompared) {
  Case c(0);
  const auto pass = c.observe(c.measured);
  auto empty = pass;
  empty.timeline.tiles.clear();
  EXPECT_THROW(book_straggler(empty, pass), std::logic_error);
  auto untimed = pass;
  untimed.times.expert_ffn_s.reset();
  EXPECT_THROW(book_straggler(pass, untimed), std::logic_error);
  auto wider = pass;
  wider.timeline.grid.num_workers = 9;
  EXPECT_THROW(book_straggler(pass, wider), std::logic_error);
}

TEST(CounterfactualTest, ConfirmsByValueOrByIntervalAndNeverAgainstTheSign) {
  const std::vector<double> measured(12, 10e-3);
  const std::vector<double> without = {8.0e-3, 8.1e-3, 7.9e-3, 8.0e-3, 8.2e-3, 7.8e-3,
                                       8.0e-3, 8.1e-3, 7.9e-3, 8.0e-3, 8.1e-3, 7.9e-3};
  EXPECT_TRUE(judge_counterfactual(LedgerCause::kExpert, 2.4e-3, measured, without).confirmed);
  EXPECT_FALSE(judge_counterfactual(LedgerCause::kExpert, 2.6e-3, measured, without).confirmed);
  EXPECT_FALSE(judge_counterfactual(LedgerCause::kExpert, -2e-3, measured, without).confirmed);
  const auto verdict = judge_counterfactual(LedgerCause::kExpert, 2e-3, measured, without);
  EXPECT_THAT(verdict.sentence, HasSubstr("booked +2.000 ms, removing it saved +2.000 ms"));
  EXPECT_THROW(judge_counterfactual(LedgerCause::kExpert, 1, {1, 1}, {1, 1}), std::logic_error);
}

/// Weight gradients of four experts on two workers: the hot one in one piece, or in parts and sums.
ObservedPass wgrad_pass(std::vector<std::int64_t> rows, bool split) {
  TileGrid grid = grid_of(rows, 2, 1 << 20, 5);
  grid.computes_full_tiles = false;
  TileBand wgrad{"wgrad", 4, {}, {}};
  TileBand sums{"wgrad sums", 1, {}, {}, false};
  std::vector<TileRecord> records;
  std::uint64_t free_ns[2] = {1000, 1000};
  const auto add = [&](int expert, std::int64_t row_tile, std::int64_t column, std::int64_t ns) {
    const int worker = free_ns[1] < free_ns[0] ? 1 : 0;
    records.push_back({free_ns[worker], free_ns[worker] + static_cast<std::uint64_t>(ns), expert,
                       worker, static_cast<std::int32_t>(row_tile),
                       static_cast<std::int32_t>(column)});
    free_ns[worker] = records.back().end_ns;
  };
  for (std::size_t e = 0; e < rows.size(); ++e) {
    const std::int64_t parts = split && rows[e] > 512 ? (rows[e] + 511) / 512 : 1;
    wgrad.row_tiles.push_back(parts);
    wgrad.tile_rows.push_back(parts > 1 ? 512 : rows[e]);
    sums.row_tiles.push_back(parts > 1 ? 1 : 0);
  }
  for (std::int64_t column = 0; column < 4; ++column) {
    for (std::size_t e = rows.size(); e-- > 0;) {
      const auto parts = wgrad.row_tiles[e];
      for (std::int64_t part = 0; part < parts; ++part)
        add(static_cast<int>(e), part, column,
            100 * std::min(wgrad.tile_rows[e], rows[e] - part * wgrad.tile_rows[e]));
    }
  }
  for (std::size_t e = 0; e < rows.size(); ++e) {
    if (sums.row_tiles[e] > 0) add(static_cast<int>(e), 0, 4, 3000);
  }
  grid.bands = {wgrad, sums};
  ObservedPass pass;
  pass.timeline = make_timeline(std::move(grid), std::move(records));
  pass.times.expert_ffn_s = summarise(pass.timeline).span_s + 1e-6;
  pass.times.total_s = *pass.times.expert_ffn_s + 2e-6;
  return pass;
}

TEST(StragglerLedgerTest, AHotExpertsLongWeightGradientsAreBookedToIt) {
  const auto control = wgrad_pass({256, 256, 256, 256}, false);
  const auto plain = book_straggler(wgrad_pass({64, 64, 64, 832}, false), control);
  const auto split = book_straggler(wgrad_pass({64, 64, 64, 832}, true), control);
  for (const auto* ledger : {&plain, &split}) {
    double sum = 0;
    for (const auto& entry : ledger->entries) sum += entry.seconds;
    EXPECT_NEAR(sum, ledger->difference_s(), 1e-12);
    EXPECT_LE(std::abs(ledger->booked_s(LedgerCause::kUnexplained)), 1e-9);
  }
  const auto of_hot = [](const StragglerLedger& ledger) {
    for (const auto& entry : ledger.entries)
      if (entry.cause == LedgerCause::kExpert && entry.index == 3) return entry.seconds;
    return 0.0;
  };
  EXPECT_GE(of_hot(split), 1.5e-6) << "its sums: 3 us on one of two workers";
}

}  // namespace
}  // namespace hotexpert
