#include "sim/training/dispatch.hpp"

#include <gtest/gtest.h>

#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

/// 6 tokens, k = 1, E = 2; tokens 0, 2, 3, 4 want expert 0. Gates fall from token to token.
RouterState<double> six_tokens() {
  auto state = state_of_scores(Matrix<double>(6, 2), 1);
  state.selection = {1, {0, 1, 0, 0, 0, 1}};
  state.gates = Matrix<double>(6, 1);
  state.gates.values = {0.5, 0.9, 0.6, 0.8, 0.6, 0.9};
  return state;
}

using Entries = std::vector<std::int64_t>;

TEST(DispatchTest, SortsByExpertThenToken) {
  Dispatch dispatch;
  dispatch_assignments(six_tokens(), std::nullopt, dispatch);
  EXPECT_EQ(dispatch.entries, (Entries{0, 2, 3, 4, 1, 5}));
  EXPECT_EQ(dispatch.offsets, (Entries{0, 4, 6}));
  EXPECT_EQ(dispatch.load, (Entries{4, 2}));
  EXPECT_EQ(dispatch.dropped, 0);
}

TEST(DispatchTest, KeepsTheHighestGatesUpToTheCapacity) {
  Dispatch dispatch;
  dispatch_assignments(six_tokens(), Decimal(1, 0), dispatch);  // ceil(6 / 2) = 3
  EXPECT_EQ(dispatch.entries, (Entries{2, 3, 4, 1, 5}));
  EXPECT_EQ(dispatch.offsets, (Entries{0, 3, 5}));
  EXPECT_EQ(dispatch.load, (Entries{4, 2}));
  EXPECT_EQ(dispatch.dropped, 1);
}

TEST(DispatchTest, EqualGatesKeepTheEarlierToken) {
  Dispatch dispatch;
  dispatch_assignments(six_tokens(), Decimal(5, 1), dispatch);  // ceil(1.5) = 2
  EXPECT_EQ(dispatch.entries, (Entries{2, 3, 1, 5}));
}

TEST(DispatchTest, EachMicroBatchHasItsOwnCapacity) {
  auto state = six_tokens();
  state.micro_batch_tokens = 3;
  Dispatch dispatch;
  dispatch_assignments(state, Decimal(5, 1), dispatch);  // ceil(0.75) = 1 in each half
  EXPECT_EQ(dispatch.entries, (Entries{2, 3, 1, 5}));
  EXPECT_EQ(dispatch.dropped, 2);
}

TEST(DispatchTest, LeavesOutAbsentSlots) {
  auto state = state_of_scores(Matrix<double>(2, 3), 1);
  state.selection = {2, {1, -1, -1, -1}};
  state.gates = Matrix<double>(2, 2);
  Dispatch dispatch;
  dispatch_assignments(state, std::nullopt, dispatch);
  EXPECT_EQ(dispatch.entries, (Entries{0}));
  EXPECT_EQ(dispatch.offsets, (Entries{0, 0, 1, 1}));
}

}  // namespace
}  // namespace hotexpert::training
