#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "scenarios/runner/profile_point.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;

constexpr int kExperts = 4;

/// Seconds of a pass by what a kernel of that kind is known to cost, a microsecond a row.
double seconds_of(const std::string& kernel, const DispatchPlan& plan) {
  std::int64_t most = 0;
  for (int p = 0; p < plan.num_physical; ++p) most = std::max(most, plan.rows(p));
  if (kernel.find("padded") != std::string::npos)
    return 1e-6 * static_cast<double>(most * plan.num_physical);
  const double gaps_s = kernel.find("launch=eager") != std::string::npos
                            ? 1e-6 * static_cast<double>(most)  // of the skewed plan more
                            : 0;
  // Experts side by side, a worker each: the largest decides.
  return 1e-6 * static_cast<double>(most) + gaps_s;
}

/// A layer whose time is known; each pass a little longer than the one before.
class KnownLayer final : public PreparedLayer {
 public:
  explicit KnownLayer(std::string kernel) : kernel_(std::move(kernel)) {}
  int load(const DispatchPlan& plan) override {
    plans_.push_back(plan);
    return static_cast<int>(plans_.size()) - 1;
  }
  void unload() override { plans_.clear(); }
  PhaseTimes run(int handle) override {
    PhaseTimes times;
    times.total_s = seconds_of(kernel_, plans_.at(static_cast<std::size_t>(handle))) *
                    (1 + 0.001 * (++runs_ % 5));
    return times;
  }
  std::vector<float> read_output(int) override { return {}; }
  double verify(int, int&) override { return 0; }
  [[nodiscard]] std::int64_t computed_rows(int) const override { return 0; }

 private:
  std::string kernel_;
  std::vector<DispatchPlan> plans_;
  int runs_ = 0;
};

class KnownBackend final : public LayerBackend {
 public:
  std::vector<std::string> prepared;
  std::string refuses;  ///< a kernel
  [[nodiscard]] BackendInfo info() const override { return {}; }
  [[nodiscard]] std::optional<std::string> unsupported(const LayerShape&,
                                                       std::string_view kernel) const override {
    if (kernel == refuses) return "no room for it";
    return std::nullopt;
  }
  std::unique_ptr<PreparedLayer> prepare(const LayerShape&, std::string_view kernel, int,
                                         std::uint64_t) override {
    prepared.emplace_back(kernel);
    return std::make_unique<KnownLayer>(std::string(kernel));
  }
};

/// 400 rows: expert 1 has 280 of them, or each has 100.
DispatchPlan plan_with(bool skewed) {
  return test::plan_of(test::route(
      400, 1, kExperts, [&](auto t, int) { return skewed && t < 280 ? 1 : int(t % kExperts); }));
}

class RerunTest : public testing::Test {
 protected:
  Rerun rerun(const std::string& backend_name, const std::string& kernel, LedgerCause cause,
              int index, double booked_s) {
    PointSpec spec;
    spec.shape.num_experts = kExperts;
    spec.backend = backend_name;
    spec.kernel = kernel;
    spec.measure.budget_s = 0.01;
    KnownLayer layer(kernel);
    const auto skewed = plan_with(true);
    const auto even = plan_with(false);
    ProfileArms arms;
    arms.measured.handle = layer.load(skewed);
    arms.control.handle = layer.load(even);
    LayerProfile profile;
    profile.ledger = {seconds_of(kernel, skewed), seconds_of(kernel, even), {}};
    profile.ledger.entries = {{cause, index, booked_s, "", ""}};
    const auto reruns = rerun_without_causes(spec, backend, layer, arms, skewed, even, profile);
    EXPECT_EQ(reruns.size(), 1U);
    return reruns.empty() ? Rerun{} : reruns.front();
  }

  KnownBackend backend;
};

TEST_F(RerunTest, AHotExpertIsSplitAndItsBookingConfirmedOrNot) {
  // 310 rows of expert 1 in four copies: 78 and then expert 0's 30.
  const auto right = rerun("cpu", "grouped", LedgerCause::kExpert, 1, 230e-6);
  ASSERT_TRUE(right.ran) << right.reason;
  EXPECT_EQ(right.change, "expert 1 split into 4 copies");
  EXPECT_NEAR(right.verdict.saved_s, 232e-6, 3e-6);
  EXPECT_TRUE(right.verdict.confirmed) << right.verdict.sentence;
  EXPECT_THAT(right.verdict.sentence, HasSubstr("booked +0.230 ms, removing it saved +0.23"));

  const auto wrong = rerun("cpu", "grouped", LedgerCause::kExpert, 0, 230e-6);
  EXPECT_FALSE(wrong.verdict.confirmed) << "splitting a cold expert saves nothing";
  EXPECT_THAT(wrong.verdict.sentence, HasSubstr("not confirmed"));
}

TEST_F(RerunTest, PaddingIsDroppedWithTheParametersTheRaggedKernelHas) {
  const auto dropped = rerun("cpu", "padded", LedgerCause::kCapacityPadding, -1, 930e-6);
  EXPECT_EQ(dropped.change, "kernel 'grouped', which pads nothing");
  EXPECT_TRUE(dropped.verdict.confirmed) << dropped.verdict.sentence;
  rerun("cuda", "padded:gemm=own:launch=eager", LedgerCause::kCapacityPadding, -1, 1e-3);
  rerun("cpu", "eigen-padded", LedgerCause::kCapacityPadding, -1, 1e-3);
  EXPECT_THAT(backend.prepared,
              testing::ElementsAre("grouped", "grouped:launch=eager", "eigen-grouped"));
}

TEST_F(RerunTest, GapsAreRemovedByAGraphAndOnlyWhatTheControlDoesNotSaveTooCounts) {
  // Both plans save their gaps: 310 us of the skewed one, 100 us of the control.
  const auto graph =
      rerun("cuda", "loop:gemm=own:launch=eager", LedgerCause::kHostGaps, -1, 210e-6);
  ASSERT_TRUE(graph.ran) << graph.reason;
  EXPECT_EQ(graph.change, "kernel 'loop:gemm=own', one CUDA graph instead of launches");
  EXPECT_NEAR(graph.verdict.saved_s, 210e-6, 5e-6);
  EXPECT_TRUE(graph.verdict.confirmed) << graph.verdict.sentence;
}

TEST_F(RerunTest, WhereNothingCanBeRemovedTheReasonIsGiven) {
  const auto reason = [&](const char* name, const char* kernel, LedgerCause cause) {
    const auto one = rerun(name, kernel, cause, 0, 1e-3);
    EXPECT_FALSE(one.ran);
    return one.reason;
  };
  EXPECT_THAT(reason("cpu", "grouped", LedgerCause::kHostGaps),
              HasSubstr("backend 'cpu' are functions on the host"));
  EXPECT_THAT(reason("cuda", "loop", LedgerCause::kHostGaps),
              HasSubstr("already is one CUDA graph"));
  EXPECT_THAT(reason("cuda", "grouped-cublas", LedgerCause::kHostGaps),
              HasSubstr("waits for sizes on the host"));
  EXPECT_THAT(reason("cpu", "loop", LedgerCause::kCapacityPadding), HasSubstr("no ragged twin"));
  EXPECT_THAT(reason("cpu", "grouped", LedgerCause::kTailWave),
              HasSubstr("Nothing can be changed"));
  backend.refuses = "grouped";
  EXPECT_EQ(reason("cpu", "padded", LedgerCause::kCapacityPadding), "no room for it");
}

}  // namespace
}  // namespace hotexpert
