#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/nsight_import.hpp"

namespace hotexpert {

/// A kernel of an Nsight report beside the experts it computed.
struct JoinedKernel {
  std::int64_t layer_index = -1;  ///< which `layer` range; -1 where the report does not say
  std::string stage;              ///< "expert", "permute", …; "" outside of ranges
  std::string name;
  double seconds = 0;
  int expert = -1;           ///< the one expert it computed; -1 = several, none, or unknown
  std::int64_t rows = -1;    ///< token rows of what it computed; -1 = unknown
  double max_over_mean = 0;  ///< of the loads it computed, where it computed all experts
};

/// Joins the kernels of stage `expert` with the loads of the plan they ran. A layer that launched n
/// kernels over a active experts is read, where the kernel's name in its payload begins with
/// `loop` or `streams`, or without a payload where n is a multiple of a > 2, as n / a launches an
/// expert, by rising expert; else each kernel computed all experts.
/// @param kernels of one report, by begin   @param expert_rows [P] rows of each physical expert
std::vector<JoinedKernel> join_experts(std::vector<JoinedKernel> kernels,
                                       const std::vector<std::int64_t>& expert_rows,
                                       std::string_view kernel = "");

std::vector<JoinedKernel> joinable(const std::vector<NsysKernel>& kernels);

/// A kernel a launch, with gpu__time_duration or the section's Duration as its time.
/// @throws InputError for a duration in a unit that is not known
std::vector<JoinedKernel> joinable(const std::vector<NcuValue>& values);

}  // namespace hotexpert
