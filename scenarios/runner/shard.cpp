#include "scenarios/runner/shard.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kMostShards = 100000;

std::int64_t task_number(const Environment& environment, const char* name,
                         std::optional<std::int64_t> fallback) {
  const auto text = environment(name);
  if (text) return parse_integer(*text, name);
  if (fallback) return *fallback;
  throw UsageError(
      fmt::format("--shard auto: {} is not set, so this is no task of a Slurm job array (sbatch "
                  "--array); write "
                  "--shard i/n",
                  name));
}

Shard checked(std::int64_t index, std::int64_t count, std::string_view text) {
  if (count < 1 || count > kMostShards || index < 0 || index >= count) {
    throw UsageError(fmt::format("--shard {}: {}/{} is no shard (write 0/4, 1/4, 2/4, 3/4)", text,
                                 index, count));
  }
  return {static_cast<int>(index), static_cast<int>(count)};
}

}  // namespace

std::string Shard::folder() const { return fmt::format("shard-{}-of-{}", index, count); }

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Shard parse_shard(std::string_view text, const Environment& environment) {
  if (text == "auto") {
    const auto first = task_number(environment, "SLURM_ARRAY_TASK_MIN", 0);
    const auto step = task_number(environment, "SLURM_ARRAY_TASK_STEP", 1);
    const auto id = task_number(environment, "SLURM_ARRAY_TASK_ID", std::nullopt);
    if (step < 1 || (id - first) % step != 0) {
      throw UsageError(fmt::format(
          "--shard auto: task {} is not a whole number of steps of {} from {} (use an array like "
          "0-7)",
          id, step, first));
    }
    return checked((id - first) / step,
                   task_number(environment, "SLURM_ARRAY_TASK_COUNT", std::nullopt), text);
  }
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    throw UsageError(fmt::format("--shard: '{}' is neither i/n nor auto", text));
  return checked(parse_integer(text.substr(0, slash), "--shard"),
                 parse_integer(text.substr(slash + 1), "--shard"), text);
}

}  // namespace hotexpert
