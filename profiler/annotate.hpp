#pragma once

#include <cstdint>
#include <string_view>

namespace hotexpert {

/// A range that Nsight shows. Ranges nest: sweep > point > step > layer > stage.
enum class RangeName : std::uint8_t {
  kSweep,
  kPoint,
  kStep,
  kLayer,
  kRoute,  ///< the stages of a layer from here on
  kPermute,
  kExpert,
  kCombine,
  kAllToAll,
};
std::string_view name(RangeName range);  ///< "sweep" … "all_to_all"

/// What Nsight shows beside a range: the payload schema `hotexpert.layer`.
struct RangePayload {
  std::int64_t layer = 0;
  std::int64_t tokens = 0;
  std::int64_t active_experts = 0;  ///< experts with at least one row
  std::int64_t max_load = 0;        ///< rows of the hottest expert
  double capacity_factor = 0;       ///< 0 = dropless
  std::string_view kernel;          ///< cut after 47 bytes
};

/// True when a tool listens to NVTX ranges in this process. Decided at the first call.
bool annotations_wanted();

/// Pushes an NVTX range of domain `hotexpert` and pops it at the end of the scope, on one thread.
/// Costs a test of one flag when no tool listens (tests/bench/profiler_bench.cpp), and nothing is
/// emitted when the program was built without the NVTX headers.
class AnnotatedRange {
 public:
  explicit AnnotatedRange(RangeName range);
  AnnotatedRange(RangeName range, const RangePayload& payload);
  ~AnnotatedRange();
  AnnotatedRange(const AnnotatedRange&) = delete;
  AnnotatedRange& operator=(const AnnotatedRange&) = delete;
};

}  // namespace hotexpert
