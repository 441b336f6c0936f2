#include "scenarios/runner/parallel.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hotexpert {
namespace {

TEST(ParallelForTest, VisitsEveryItemOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    std::vector<int> visits(1000);
    parallel_for(1000, threads,
                 [&](int, std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
    EXPECT_EQ(visits, std::vector<int>(1000, 1));
  }
  parallel_for(0, 4, [](int, std::int64_t) { FAIL(); });
}

TEST(ParallelForTest, RethrowsTheFirstException) {
  EXPECT_THROW(parallel_for(100, 3,
                            [](int, std::int64_t i) {
                              if (i == 50) throw std::runtime_error("bad item");
                            }),
               std::runtime_error);
}

}  // namespace
}  // namespace hotexpert
