#include "scenarios/runner/shard.hpp"

#include <gtest/gtest.h>

#include <map>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(ShardTest, BlocksCoverEveryPointOnce) {
  for (const std::int64_t points : {0, 1, 5, 8, 100}) {
    for (const int count : {1, 3, 8}) {
      std::int64_t next = 0;
      for (int index = 0; index < count; ++index) {
        const Shard shard{index, count};
        EXPECT_EQ(shard.first(points), next);
        next = shard.end(points);
      }
      EXPECT_EQ(next, points);
    }
  }
}

TEST(ShardTest, AutoIsThePlaceInASlurmArray) {
  const auto shard = parse_shard("auto", environment({{"SLURM_ARRAY_TASK_ID", "9"},
                                                      {"SLURM_ARRAY_TASK_MIN", "3"},
                                                      {"SLURM_ARRAY_TASK_STEP", "2"},
                                                      {"SLURM_ARRAY_TASK_COUNT", "5"}}));
  EXPECT_EQ(shard.index, 3);
  EXPECT_EQ(shard.count, 5);
  EXPECT_EQ(shard.folder(), "shard-3-of-5");
}

TEST(ShardTest, RefusesWhatIsNoShard) {
  const auto none = environment({});
  for (const char* text : {"", "3", "4/4", "-1/4", "0/0", "a/b", "1/", "auto"})
    EXPECT_THROW(parse_shard(text, none), UsageError) << text;
  EXPECT_THROW(parse_shard("auto", environment({{"SLURM_ARRAY_TASK_ID", "4"},
                                                {"SLURM_ARRAY_TASK_MIN", "1"},
                                                {"SLURM_ARRAY_TASK_STEP", "2"},
                                                {"SLURM_ARRAY_TASK_COUNT", "5"}})),
               UsageError);
}

}  // namespace
}  // namespace hotexpert
