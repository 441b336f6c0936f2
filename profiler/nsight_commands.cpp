#include "profiler/nsight_commands.hpp"

#include <fmt/format.h>

#include "profiler/cupti_api.hpp"

namespace hotexpert {
namespace {

std::string profiled_program(const NsightTarget& target) {
  std::string command = fmt::format("{} profile {} --point {}", shell_word(target.program),
                                    shell_word(target.scenario), shell_word(target.point));
  for (const auto& argument : target.arguments) command += " " + shell_word(argument);
  return command + " --profile-once";
}

std::string_view what_to_look_at(RangeName range) {
  switch (range) {
    case RangeName::kPermute:
    case RangeName::kCombine:
      return "Memory Workload Analysis: DRAM throughput against the peak; rows are copied once, so "
             "anything far below the measured copy bandwidth is lost.";
    case RangeName::kRoute:
      return "Launch Statistics: routing is short, so small grids and gaps between kernels matter "
             "more than throughput.";
    case RangeName::kAllToAll:
      return "The timeline rather than one kernel: which rank arrives last and what it did before.";
    default:
      return "SM busy and the spread of cycles active between multiprocessors (PM sampling): a "
             "long "
             "tail is the hot expert's tiles. Then the scheduler's stall reasons.";
  }
}

}  // namespace

std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

NsightCommand nsys_command(const NsightTarget& target) {
  return {
      fmt::format("nsys profile --trace=cuda,nvtx,osrt --capture-range=cudaProfilerApi "
                  "--capture-range-end=stop --force-overwrite=true --output={} {}",
                  shell_word(target.output), profiled_program(target)),
      fmt::format("Open {}.nsys-rep: in the NVTX row of domain hotexpert, range `{}` is the one "
                  "to zoom into; its payload names tokens, active experts and the largest load. "
                  "`nsys export --type sqlite --include-blobs=true {}.nsys-rep` makes the file "
                  "that `hotexpert profile --import` reads, payloads included.",
                  target.output, name(target.range), target.output)};
}

NsightCommand ncu_command(const NsightTarget& target) {
  const auto filter = fmt::format("hotexpert@{}/", name(target.range));
  std::string metrics;
  for (const auto& row : counter_metrics())
    metrics += (metrics.empty() ? "" : ",") + std::string(row.metric);
  return {
      fmt::format("ncu --profile-from-start off --nvtx --nvtx-include {} --clock-control none "
                  "--cache-control none "
                  "--section SpeedOfLight --section LaunchStats --section Occupancy "
                  "--section SchedulerStats --section WarpStateStats "
                  "--section MemoryWorkloadAnalysis --section PmSampling --metrics {} "
                  "--force-overwrite --export {} {}",
                  shell_word(filter), metrics, shell_word(target.output), profiled_program(target)),
      fmt::format("{} `ncu --import {}.ncu-rep --csv` prints what `hotexpert profile --import` "
                  "reads.",
                  what_to_look_at(target.range), target.output)};
}

}  // namespace hotexpert
