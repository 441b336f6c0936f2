#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hotexpert {

/// One kernel as CUPTI's activity records tell it. Times on the device's clock.
struct KernelRecord {
  std::string name;
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  int device = 0;
  int stream = 0;
  std::uint32_t correlation = 0;  ///< the launch it belongs to
  friend bool operator==(const KernelRecord&, const KernelRecord&) = default;
};

struct ActivityBatch {
  std::vector<KernelRecord> records;  ///< in the order delivered
  std::int64_t dropped = 0;           ///< records that found no buffer
};

struct CounterValue {
  std::string metric;
  double value = 0;
};

/// What was counted while one range was open.
struct RangeCounters {
  std::string range;
  std::vector<CounterValue> values;  ///< in the order of the metrics asked for
};

struct CounterBatch {
  std::vector<RangeCounters> ranges;  ///< in the order they were opened
  std::int64_t dropped = 0;           ///< ranges that found no place in the counter buffer
  std::string reason;  ///< why values are missing, a whole sentence; "" when none are
};

/// What a profile session needs of CUPTI, narrow enough to be faked. Functions that can fail return
/// the reason as a whole sentence, or "" when they succeeded.
class CuptiApi {
 public:
  virtual ~CuptiApi() = default;
  virtual std::string start_activity() = 0;
  virtual ActivityBatch stop_activity() = 0;
  /// Gets counters ready on the calling thread's context; after a failure nothing is left to stop.
  /// @param metrics names of counter_metrics(), all of which one pass must hold
  virtual std::string start_counters(std::span<const std::string_view> metrics) = 0;
  /// Kernels launched between the two count for the range. Ranges follow each other, none inside
  /// another; the device is idle at both calls.
  virtual std::string begin_range(const std::string& name) = 0;
  virtual std::string end_range() = 0;
  virtual CounterBatch stop_counters() = 0;
};

/// CUPTI as installed, or the reason why there is none. The library is loaded when asked for, so
/// one program starts everywhere.
struct OpenedCupti {
  std::unique_ptr<CuptiApi> api;  ///< null when absent
  std::string reason;
};
OpenedCupti open_cupti();

/// What CUPTI's Profiler Host API says of metric names for a chip; needs no device.
struct MetricCheck {
  std::string reason;  ///< why nothing could be checked or what is wrong; "" when all names exist
  bool checked = false;
  int passes = 0;  ///< over the kernel, for all metrics together
};
/// @param chip "GH100", "GA100", …
MetricCheck check_metrics(std::string_view chip, std::span<const std::string_view> metrics);

/// A hardware counter the profiler collects at level 2.
struct CounterRow {
  std::string_view metric;  ///< CUPTI's name, rollup included
  std::string_view label;
  std::string_view meaning;  ///< how to read it
};
std::span<const CounterRow> counter_metrics();

}  // namespace hotexpert
