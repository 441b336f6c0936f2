#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hotexpert {

/// A block of a sweep's points: one of `count`, in the order of the points. Neighbouring points
/// share traces and weights, so blocks are contiguous.
struct Shard {
  int index = 0;
  int count = 1;

  [[nodiscard]] std::int64_t first(std::int64_t points) const { return points * index / count; }
  [[nodiscard]] std::int64_t end(std::int64_t points) const { return points * (index + 1) / count; }
  /// "shard-3-of-8": the run folder of the shard inside the sweep's.
  [[nodiscard]] std::string folder() const;
};

/// Reads an environment variable; nullopt where it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

/// Reads `i/n` (i from 0 to n - 1), or `auto`: the position in a Slurm job array, from
/// SLURM_ARRAY_TASK_ID, _MIN, _STEP and _COUNT.
/// @throws UsageError for anything else, naming what to write
Shard parse_shard(std::string_view text, const Environment& environment);

}  // namespace hotexpert
