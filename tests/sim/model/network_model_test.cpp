#include "sim/model/network_model.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "sim/model/node_tokens.hpp"

namespace hotexpert {
namespace {

NetworkDescription toy_network() { return {"toy", "", 2, 1e-5, 1e-6, 1e9, 1e8}; }

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(NetworkModelTest, OneExchangeIsWorkedByHand) {
  // Ranks 0,1 on node 0; 2,3 on node 1. Rank 0 sends 10 rows to 1, 3 to 2; rank 3 sends 7 to 2.
  RankTraffic traffic{4, std::vector<std::int64_t>(16, 0), {}};
  traffic.rows[0] = 99;  // own rows stay
  traffic.rows[1] = 10;
  traffic.rows[2] = 3;
  traffic.rows[14] = 7;
  const auto time = dispatch_time(toy_network(), traffic, 1000);
  // Rank 0 sends 10 kB inside (10 us) and 3 kB outside (30 us), to two peers.
  EXPECT_NEAR(time.seconds, 1e-5 + 2e-6 + 3000 / 1e8, 1e-15);
  // Rank 2 receives from two peers too: 3 kB outside, as slow as rank 0 sends it.
  EXPECT_EQ(time.busiest_rank, 0);
  EXPECT_FALSE(time.receiving);
}

TEST(NetworkModelTest, IncastMakesTheHotRankTheLastAndCombineTurnsItAround) {
  RankTraffic traffic{8, std::vector<std::int64_t>(64, 10), {}};
  for (std::size_t from = 0; from < 8; ++from) traffic.rows[from * 8 + 5] = 200;
  NetworkDescription network = toy_network();
  network.ranks_per_node = 8;
  const auto out = dispatch_time(network, traffic, 4096);
  EXPECT_EQ(out.busiest_rank, 5);
  EXPECT_TRUE(out.receiving);
  EXPECT_NEAR(out.seconds, 1e-5 + 7e-6 + 7 * 200 * 4096 / 1e9, 1e-12);
  const auto back = combine_time(network, traffic, 4096);
  EXPECT_EQ(back.busiest_rank, 5);
  EXPECT_FALSE(back.receiving);
  EXPECT_DOUBLE_EQ(back.seconds, out.seconds);
}

TEST(NetworkModelTest, BytesSentEqualBytesReceivedWhateverTheTraffic) {
  for (std::uint32_t item = 0; item < 20; ++item) {
    RandomStream random({4, RandomPurpose::kTest, 0, 0}, item);
    const int ranks = 2 + static_cast<int>(random.below(7));
    const int nodes = (ranks + 1) / 2;
    RankTraffic traffic{ranks, {}, {}};
    for (int i = 0; i < ranks * ranks; ++i) traffic.rows.push_back(random.below(50));
    for (int pass = 0; pass < 2; ++pass) {
      const auto bytes = dispatch_bytes(toy_network(), traffic, 8);
      EXPECT_DOUBLE_EQ(sum(bytes.intra_sent), sum(bytes.intra_received)) << item;
      EXPECT_DOUBLE_EQ(sum(bytes.inter_sent), sum(bytes.inter_received)) << item;
      for (int i = 0; i < ranks * nodes; ++i) traffic.node_tokens.push_back(random.below(20));
    }
  }
}

TEST(NetworkModelTest, NodeLimitedDispatchCrossesBetweenNodesOnceAToken) {
  // Two nodes of two ranks; every token of rank 0 has experts on ranks 2 and 3.
  RankTraffic traffic{4, std::vector<std::int64_t>(16, 0), {}};
  traffic.rows[2] = 100;
  traffic.rows[3] = 100;
  const auto each = dispatch_bytes(toy_network(), traffic, 1);
  EXPECT_EQ(each.inter_sent[0], 200);
  traffic.node_tokens = {0, 100, 0, 0, 0, 0, 0, 0};
  const auto once = dispatch_bytes(toy_network(), traffic, 1);
  EXPECT_EQ(once.inter_sent[0], 100);
  EXPECT_EQ(once.inter_received[2], 100);
  EXPECT_EQ(once.intra_sent[2], 100);  // passed on to rank 3; its own rows stay
  EXPECT_EQ(once.intra_received[3], 100);
}

TEST(NetworkModelTest, NodeTokensCountEachTokenOnceANode) {
  // Tokens 0 and 1 of rank 0, token 2 of rank 3; experts 0…3 on ranks 0…3.
  DispatchPlan plan;
  plan.tokens = 3;
  plan.num_physical = 4;
  plan.num_ranks = 4;
  plan.rank_of_expert = {0, 1, 2, 3};
  plan.expert_offsets = {0, 1, 1, 3, 5};
  plan.source_token = {0, /*expert 2*/ 0, 1, /*expert 3*/ 0, 2};
  const std::vector<std::int32_t> source = {0, 0, 3};
  EXPECT_EQ(count_node_tokens(plan, 2, source),
            (std::vector<std::int64_t>{1, 2, 0, 0, 0, 0, 0, 1}));
}

TEST(NetworkModelTest, AQuietNetworkTakesNoTime) {
  const RankTraffic traffic{4, std::vector<std::int64_t>(16, 0), {}};
  EXPECT_EQ(dispatch_time(toy_network(), traffic, 4096).seconds, 0);
}

TEST(NetworkModelTest, CalibrationRecoversAPlantedNetwork) {
  NetworkDescription truth = toy_network();
  truth.ranks_per_node = 8;
  std::vector<NetworkSample> samples;
  for (const int ranks : {2, 4, 8}) {
    for (const std::int64_t rows : {1, 100, 10000}) {
      NetworkSample sample;
      sample.traffic = {
          ranks, std::vector<std::int64_t>(static_cast<std::size_t>(ranks * ranks), rows), {}};
      sample.row_bytes = 2048;
      sample.seconds = dispatch_time(truth, sample.traffic, 2048).seconds;
      samples.push_back(sample);
    }
  }
  const auto found = calibrate_network(network_preset("nvlink4-ndr"), samples);
  EXPECT_NEAR(found.start_s / truth.start_s, 1, 1e-6);
  EXPECT_NEAR(found.message_s / truth.message_s, 1, 1e-6);
  EXPECT_NEAR(found.intra_bytes_per_s / truth.intra_bytes_per_s, 1, 1e-6);
  // Between nodes nothing was timed, and the description says so.
  EXPECT_TRUE(found.inter_assumed);
  EXPECT_EQ(found.inter_bytes_per_s, found.intra_bytes_per_s);
  EXPECT_TRUE(network_from_json(to_json(found), "x").inter_assumed);
  EXPECT_FALSE(network_preset("nvlink4-ndr").inter_assumed);
  samples[0].traffic.ranks = 9;
  EXPECT_THROW((void)calibrate_network(truth, samples), UsageError);
}

TEST(NetworkModelTest, PresetsRoundTripAndBadFilesAreRefused) {
  for (const auto& row : network_presets()) {
    const auto network = row.make();
    EXPECT_EQ(network.name, row.name);
    EXPECT_EQ(to_json(network_from_json(to_json(network), "x")), to_json(network));
  }
  EXPECT_THROW((void)network_preset("nvlink9"), UsageError);
  Json json = to_json(toy_network());
  json.set("inter_bytes_per_s", 0.0);
  EXPECT_THROW((void)network_from_json(json, "x"), InputError);
  json = to_json(toy_network());
  json.set("speed", 1);
  EXPECT_THROW((void)network_from_json(json, "x"), InputError);
}

TEST(NetworkModelTest, AMatrixOfTheWrongSizeIsRefused) {
  EXPECT_THROW((void)dispatch_time(toy_network(), {3, {1, 2}, {}}, 1), UsageError);
  EXPECT_THROW((void)dispatch_time(toy_network(), {1, {1}, {1, 2}}, 1), UsageError);
}

}  // namespace
}  // namespace hotexpert
