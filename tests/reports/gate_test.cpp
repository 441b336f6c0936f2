#include "reports/gate/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "reports/gate/gate_output.hpp"
#include "reports/gate/power.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "tests/reports/fake_quickstart.hpp"
#include "tests/reports/fake_run.hpp"
#include "tests/reports/hostile_names.hpp"

namespace hotexpert {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kSamples = 30;
constexpr int kRepetitions = 400;

/// Timings as machines give them: 1 % noise, one sample in twenty up to 60 % slow, and a clock that
/// drifts over the run; both sides of a pair share the drift.
PairSource noisy_machine(double drift_by) {
  return [drift_by](int repetition, double slowdown) {
    RandomStream stream({11, RandomPurpose::kTest, 0, 0}, static_cast<std::uint32_t>(repetition));
    std::pair<std::vector<double>, std::vector<double>> out;
    for (int i = 0; i < kSamples; ++i) {
      const double drift = 1 + drift_by * i / kSamples;
      const auto sample = [&](double factor) {
        const double outlier = stream.uniform() < 0.05 ? 1 + 0.6 * stream.uniform() : 1;
        return 0.01 * factor * drift * outlier * (1 + 0.01 * stream.normal());
      };
      out.first.push_back(sample(1));
      out.second.push_back(sample(slowdown));
    }
    return out;
  };
}

double share_called(const PairSource& source, bool paired, double slowdown, PairVerdict verdict,
                    double threshold) {
  GateOptions options;
  options.threshold = threshold;
  int hits = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    const auto [base, now] = source(i, slowdown);
    std::vector<ComparedPair> one = {compare_samples(base, now, paired)};
    judge(one, options);
    hits += one[0].verdict == verdict;
  }
  return static_cast<double>(hits) / kRepetitions;
}

TEST(GateTest, EqualTimingsRaiseFewAlarms) {
  for (const bool paired : {true, false}) {
    const auto source = noisy_machine(paired ? 0.05 : 0);
    const double without_threshold = share_called(source, paired, 1, PairVerdict::kSlower, 0) +
                                     share_called(source, paired, 1, PairVerdict::kFaster, 0);
    EXPECT_LE(without_threshold, 0.06) << paired;
    const double with_threshold = share_called(source, paired, 1, PairVerdict::kSlower, 0.01) +
                                  share_called(source, paired, 1, PairVerdict::kFaster, 0.01);
    EXPECT_LE(with_threshold, 0.01) << paired;
  }
}

TEST(GateTest, ASlowdownBy2PercentIsFoundWith30Samples) {
  for (const bool paired : {true, false})
    EXPECT_GE(
        share_called(noisy_machine(paired ? 0.05 : 0), paired, 1.02, PairVerdict::kSlower, 0.01),
        0.97)
        << paired;
}

TEST(GateTest, PairingTakesTheDriftOut) {
  const double paired = share_called(noisy_machine(0.3), true, 1.02, PairVerdict::kSlower, 0.01);
  const double unpaired = share_called(noisy_machine(0.3), false, 1.02, PairVerdict::kSlower, 0.01);
  EXPECT_GT(paired, unpaired + 0.2) << "the drift is 30 %, the slowdown 2 %";
}

TEST(GateTest, EqualAndNarrowIsSameEqualAndWideIsUnclear) {
  RandomStream stream({3, RandomPurpose::kTest, 0, 0}, 0);
  std::vector<double> narrow[2];
  std::vector<double> wide[2];
  for (int i = 0; i < kSamples; ++i) {
    for (int side = 0; side < 2; ++side) {
      narrow[side].push_back(1 + 0.002 * stream.normal());
      wide[side].push_back(std::exp(0.3 * stream.normal()));
    }
  }
  std::vector<ComparedPair> pairs = {compare_samples(narrow[0], narrow[1], false),
                                     compare_samples(wide[0], wide[1], false)};
  judge(pairs, {});
  EXPECT_EQ(pairs[0].verdict, PairVerdict::kSame);
  EXPECT_EQ(pairs[1].verdict, PairVerdict::kUnclear);
}

TEST(GateTest, TooFewSamplesAreUnclear) {
  const std::vector<double> slow(5, 2.0);
  const std::vector<double> fast(5, 1.0);
  std::vector<ComparedPair> pairs = {compare_samples(fast, slow, true)};
  judge(pairs, {});
  EXPECT_EQ(pairs[0].verdict, PairVerdict::kUnclear);
  EXPECT_EQ(pairs[0].test, PairTest::kNone);
}

TEST(GateTest, PValuesAreAdjustedAsBenjaminiAndHochbergDid) {
  // Their example (J. R. Statist. Soc. B 57:289, 1995, section 4.1): of 15 the first four are
  // found.
  const std::vector<double> p = {.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344,
                                 .0459, .3240, .4262, .5719, .6528, .7590, 1.000};
  const auto adjusted = adjust_p_values(p);
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_EQ(adjusted[i] <= 0.05, i < 4) << i;
  EXPECT_NEAR(adjusted[0], .0015, 1e-12);
  EXPECT_NEAR(adjusted[3], .0095 * 15 / 4, 1e-12);
}

struct Folders {
  test_support::TemporaryFolder folder;
  hotexpert::Run base;
  hotexpert::Run now;
};

std::unique_ptr<Folders> two_runs(double slowdown) {
  auto out = std::make_unique<Folders>();
  test_support::write_quickstart_run(out->folder.path("base"), 1);
  test_support::write_quickstart_run(out->folder.path("now"), 2, slowdown);
  out->base = read_run(out->folder.path("base"));
  out->now = read_run(out->folder.path("now"));
  return out;
}

TEST(GateTest, SlowerOnlyUnderSkewFailsTheGateAndSaysWhere) {
  const auto runs = two_runs(1.6);
  GateOptions options;
  options.fail_on = 0.05;
  const auto result = compare_runs(runs->base, runs->now, options);
  EXPECT_EQ(result.pairs.size(), 75U);
  EXPECT_THAT(result.regressions,
              Contains(::testing::AllOf(HasSubstr("skew.target=max_over_mean=4"),
                                        HasSubstr("kernel=grouped"))));
  EXPECT_THAT(result.regressions, Contains(HasSubstr("at max/mean load 4")));
  EXPECT_THAT(result.regressions, Not(Contains(HasSubstr("max_over_mean=1 "))));
  EXPECT_NEAR(result.groups.front().ratio, 1, 0.01);
  EXPECT_NEAR(result.groups.back().ratio, std::cbrt(1.6), 0.02) << "one of three kernels";
  EXPECT_THAT(gate_sentences(result), Contains(HasSubstr("Mann-Whitney")));
}

TEST(GateTest, EqualRunsPassTheGate) {
  const auto runs = two_runs(1);
  GateOptions options;
  options.fail_on = 0.05;
  const auto result = compare_runs(runs->base, runs->now, options);
  EXPECT_THAT(result.regressions, IsEmpty());
  EXPECT_NEAR(result.ratio, 1, 0.003);
}

TEST(GateTest, RunsMeasuredInTurnAreComparedPairByPair) {
  const auto runs = two_runs(1);
  runs->base.manifest.set("interleaving", "session 7");
  runs->now.manifest.set("interleaving", "session 7");
  const auto result = compare_runs(runs->base, runs->now, {});
  for (const auto& pair : result.pairs) EXPECT_EQ(pair.test, PairTest::kSignedRank);
}

TEST(GateTest, AnotherMachineIsRefusedAndTheDifferenceShown) {
  const auto runs = two_runs(1);
  Json environment = runs->now.manifest.at("environment");
  environment.set("cpu", "Another CPU").set("load_average", 3.5);
  runs->now.manifest.set("environment", environment);
  GateOptions options;
  try {
    compare_runs(runs->base, runs->now, options);
    FAIL() << "not refused";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cpu was Example CPU with 2 cores, is now Another CPU"));
    EXPECT_THAT(error.what(), Not(HasSubstr("load_average")));
  }
  options.across_machines = true;
  EXPECT_THAT(compare_runs(runs->base, runs->now, options).notes,
              Contains(HasSubstr("The machines differ")));
}

TEST(GateTest, TwoCommitsOnOneMachineCompareAndTwoCompilersDoNot) {
  const auto build = [](const char* git, const char* compiler) {
    return Json::object().set("build", Json::object().set("git", git).set("compiler", compiler));
  };
  EXPECT_THAT(machine_differences(build("a1", "GNU 12"), build("b2", "GNU 12")), IsEmpty());
  EXPECT_THAT(machine_differences(build("a1", "GNU 12"), build("a1", "Clang 14")),
              ElementsAre("build.compiler was GNU 12, is now Clang 14"));
}

TEST(GateTest, APointThatNowFailsIsARegressionAndMissingPointsAreNoted) {
  const auto runs = two_runs(1);
  runs->now.points[0].outcome = Outcome::kFailed;
  runs->now.points[0].reason = "expert 3 differs";
  runs->now.points.erase(runs->now.points.begin() + 1);
  const auto result = compare_runs(runs->base, runs->now, {});
  EXPECT_THAT(result.regressions, ElementsAre(HasSubstr("expert 3 differs")));
  EXPECT_THAT(result.notes, Contains(HasSubstr("1 point is only in the base")));
}

TEST(GateTest, RunsWithoutACommonPointAreRefused) {
  const auto runs = two_runs(1);
  runs->now.points.clear();
  EXPECT_THROW(compare_runs(runs->base, runs->now, {}), UsageError);
}

TEST(GateTest, JUnitCountsEveryPairAndEscapesNames) {
  const auto runs = two_runs(1.6);
  GateOptions options;
  options.fail_on = 0.05;
  const auto result = compare_runs(runs->base, runs->now, options);
  const std::string xml = gate_junit(result);
  EXPECT_THAT(xml, HasSubstr("tests=\"76\""));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"SLOWER 1.6"));
  EXPECT_THAT(gate_markdown(result), HasSubstr("| SLOWER |"));
  EXPECT_EQ(gate_json(result).at("rows").as_array().size(), 75U);
}

TEST(GateTest, HostileNamesStayTextInXmlAndMarkdown) {
  const test_support::TemporaryFolder folder;
  test_support::write_hostile_run(folder.path("run"));
  const hotexpert::Run run = read_run(folder.path("run"));
  const auto result = compare_runs(run, run, {});
  const std::string xml = gate_junit(result);
  EXPECT_FALSE(std::regex_search(
      xml, std::regex("<(?!/?(testsuite|testcase|failure|skipped|system-out)\\b|\\?xml)")));
  for (const char* byte : {"\x1b", "\x07", "\x7f", "\x08"})
    EXPECT_EQ(xml.find(byte), std::string::npos) << "not XML";
  EXPECT_EQ(xml.find('\0'), std::string::npos);
  const std::string markdown = gate_markdown(result);
  EXPECT_EQ(markdown.find("<script"), std::string::npos);
  EXPECT_EQ(markdown.find('\x1b'), std::string::npos);
}

TEST(GatePowerTest, AQuietMachineSeesSmallEffectsAndANoisyOneDoesNot) {
  const auto quiet = measure_power(noisy_machine(0.3), true, {}, 100);
  ASSERT_TRUE(quiet.smallest_effect.has_value());
  EXPECT_LE(*quiet.smallest_effect, 0.02);
  const PairSource noisy = [](int repetition, double slowdown) {
    auto pair = noisy_machine(0.3)(repetition, slowdown);
    RandomStream stream({12, RandomPurpose::kTest, 0, 0}, static_cast<std::uint32_t>(repetition));
    for (auto* side : {&pair.first, &pair.second})
      for (double& sample : *side) sample *= std::exp(0.2 * stream.normal());
    return pair;
  };
  const auto power = measure_power(noisy, true, {}, 100);
  EXPECT_GE(power.smallest_effect.value_or(1), 0.1);
  GateOptions options;
  options.fail_on = 0.05;
  EXPECT_NO_THROW(require_power(quiet, options));
  EXPECT_THROW(require_power(power, options), UsageError);
}

TEST(GatePowerTest, MeasuringAnewConfirmsTheSmallestSlowdownByInjectingIt) {
  int calls = 0;
  std::vector<double> asked;
  const PairMeasurer machine = [&](double slowdown) {
    if (asked.empty() || asked.back() != slowdown) asked.push_back(slowdown);
    return noisy_machine(0)(calls++, slowdown);
  };
  const auto power = measure_power_anew(machine, {}, 40);
  ASSERT_TRUE(power.smallest_effect.has_value());
  EXPECT_EQ(power.comparisons, 40);
  EXPECT_LE(power.false_alarm_rate, 0.1);
  EXPECT_EQ(asked.front(), 1) << "equals first";
  EXPECT_EQ(asked.back(), 1 + *power.smallest_effect);
  EXPECT_GE(power.injected.back().found, 0.95);
  EXPECT_EQ(calls, 40 * static_cast<int>(1 + power.injected.size()));
  EXPECT_THAT(power_sentences(power), Contains(HasSubstr("the layer made to wait")));
}

TEST(GatePowerTest, ASlowdownThatOnlyScaledSamplesShowIsNotClaimed) {
  // Waiting that has no effect: scaled samples look slower, the machine does not.
  int calls = 0;
  const PairMeasurer deaf = [&](double) { return noisy_machine(0)(calls++, 1); };
  const auto power = measure_power_anew(deaf, {}, 20);
  EXPECT_FALSE(power.smallest_effect.has_value());
  GateOptions options;
  options.fail_on = 0.5;
  EXPECT_THROW(require_power(power, options), UsageError);
}

TEST(GatePowerTest, MeasuringAnewStopsWhenAsked) {
  int calls = 0;
  const PairMeasurer machine = [&](double slowdown) { return noisy_machine(0)(calls++, slowdown); };
  measure_power_anew(machine, {}, 20, [&] { return calls == 7; });
  EXPECT_EQ(calls, 7);
}

TEST(GatePowerTest, ARunsOwnSamplesTellWhatItCanSee) {
  const auto runs = two_runs(1);
  const auto power = power_of(runs->base, {}, 100);
  EXPECT_LE(power.false_alarm_rate, 0.06);
  EXPECT_LE(power.smallest_effect.value_or(1), 0.05);
}

}  // namespace
}  // namespace hotexpert
