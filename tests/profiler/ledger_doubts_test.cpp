#include "profiler/ledger_doubts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A sound profile: 10 ms against 8 ms, of which `unexplained_s` is not explained.
LayerProfile profile_with(double unexplained_s) {
  LayerProfile profile;
  profile.ledger = {10e-3, 8e-3, {}};
  profile.ledger.entries = {{LedgerCause::kExpert, 5, 2e-3 - unexplained_s, "", ""},
                            {LedgerCause::kUnexplained, -1, unexplained_s, "", ""}};
  profile.pairs.assign(10, profile.ledger);
  profile.difference_ci95 = Interval{1.9e-3, 2.1e-3};
  profile.pass_spread = 0.02;
  return profile;
}

std::vector<std::string> names(const std::vector<LedgerDoubt>& doubts) {
  std::vector<std::string> all;
  for (const auto& doubt : doubts) all.push_back(doubt.name);
  return all;
}

TEST(LedgerDoubtsTest, ASoundProfileHasNone) {
  EXPECT_THAT(ledger_doubts(profile_with(0.2e-3), MachineLoad{0.9, 2}), IsEmpty());
  EXPECT_THAT(ledger_doubts(profile_with(-0.1e-3), std::nullopt), IsEmpty());
}

TEST(LedgerDoubtsTest, TooMuchUnexplainedIsSaidWithItsShareAndWhatToDo) {
  for (const double unexplained_s : {1.82e-3, -1.82e-3}) {
    const auto doubts = ledger_doubts(profile_with(unexplained_s), std::nullopt);
    ASSERT_THAT(names(doubts), ElementsAre("unexplained"));
    EXPECT_NEAR(doubts[0].value, 0.91, 1e-12);
    EXPECT_EQ(doubts[0].limit, 0.10);
    EXPECT_THAT(doubts[0].text, HasSubstr("91 % of the difference is unexplained (10 % is the"));
    EXPECT_THAT(doubts[0].text, HasSubstr("--threads"));
  }
}

TEST(LedgerDoubtsTest, AnUnresolvedDifferenceIsSaidInsteadOfItsShares) {
  auto profile = profile_with(1.9e-3);
  profile.difference_ci95 = Interval{-1e-3, 4e-3};
  const auto doubts = ledger_doubts(profile, std::nullopt);
  ASSERT_THAT(names(doubts), ElementsAre("unresolved"));
  EXPECT_EQ(doubts[0].value, profile.ledger.difference_s());
  EXPECT_NEAR(doubts[0].limit, 2.5e-3, 1e-15);
}

TEST(LedgerDoubtsTest, NoiseOutliersAndALoadedMachineAreSaid) {
  auto profile = profile_with(0);
  profile.taken_fraction = 0.4;
  profile.pass_spread = 0.17;
  profile.outliers = 4;
  const auto doubts = ledger_doubts(profile, MachineLoad{3.2, 2});
  ASSERT_THAT(names(doubts), ElementsAre("taken", "noisy", "outliers", "loaded_machine"));
  EXPECT_THAT(doubts[0].text, HasSubstr("for 40 % of the tiles' time or more"));
  EXPECT_THAT(doubts[1].text, HasSubstr("scatter by 17 %"));
  EXPECT_THAT(doubts[2].text, HasSubstr("29 % of the pairs"));
  EXPECT_THAT(doubts[3].text, HasSubstr("load average was 3.2 on 2 processors"));
}

}  // namespace
}  // namespace hotexpert
