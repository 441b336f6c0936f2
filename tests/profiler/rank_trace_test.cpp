#include "profiler/rank_trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/profiler/trace_schema.hpp"

namespace hotexpert {
namespace {

TEST(RankTraceTest, RanksComputeAfterTheLastDispatchAndReturnAfterTheSlowest) {
  TraceEvents trace;
  const RankStep step{{1e-6, 3e-6}, {10e-6, 20e-6}, {8e-6, 16e-6}, {2e-6, 1e-6}, {100, 200}};
  EXPECT_EQ(add_rank_step(trace, 1, 0, step), 25'000U);  // 3 + 20 + 2 us
  const Json json = trace.to_json();
  EXPECT_THAT(trace_schema_faults(json), ::testing::IsEmpty());
  std::map<std::string, std::pair<double, double>> of_rank_0;
  std::int64_t processes = 0;
  for (const auto& event : json.at("traceEvents").as_array()) {
    if (event.at("ph").as_string() == "M") ++processes;
    if (event.at("ph").as_string() != "X" || event.at("pid").as_integer() != 1) continue;
    of_rank_0[event.at("name").as_string()] = {event.at("ts").as_double(),
                                               event.at("dur").as_double()};
  }
  EXPECT_GE(processes, 2);
  EXPECT_EQ(of_rank_0["dispatch"], (std::pair{0.0, 1.0}));
  EXPECT_EQ(of_rank_0["wait for rows"], (std::pair{1.0, 2.0}));
  EXPECT_EQ(of_rank_0["compute"], (std::pair{3.0, 10.0}));
  EXPECT_EQ(of_rank_0["experts"], (std::pair{4.0, 8.0}));
  EXPECT_EQ(of_rank_0["wait for the slowest rank"], (std::pair{13.0, 10.0}));
  EXPECT_EQ(of_rank_0["return"], (std::pair{23.0, 2.0}));
}

}  // namespace
}  // namespace hotexpert
