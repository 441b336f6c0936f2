#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "profiler/layer_backend.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// A timeline in the Trace Event Format that chrome://tracing and ui.perfetto.dev open: slices,
/// counters and flow arrows over processes (ranks or devices) and threads (streaming
/// multiprocessors or workers). Times are nanoseconds; the file holds microseconds with three
/// decimals, from the earliest event. Source: "Trace Event Format", Google, phases X, C, s, f and
/// M.
class TraceEvents {
 public:
  void name_process(int process, std::string name);
  void name_thread(int process, int thread, std::string name);
  /// @param details shown when the slice is selected; an object, or null
  void slice(int process, int thread, std::string name, std::string category,
             std::uint64_t begin_ns, std::uint64_t end_ns, Json details = {});
  void counter(int process, std::string name, std::uint64_t time_ns, double value);
  /// An arrow from a moment inside one slice to a moment inside another.
  void flow(std::string name, int from_process, int from_thread, std::uint64_t from_ns,
            int to_process, int to_thread, std::uint64_t to_ns);

  /// {"traceEvents": [...], "displayTimeUnit": "ns", "otherData": metadata}: metadata events first,
  /// then all others by time.
  [[nodiscard]] Json to_json(Json metadata = Json::object()) const;

 private:
  struct Event {
    std::uint64_t time_ns;
    std::uint64_t duration_ns;  ///< slices: longer ones first, so that they enclose
    Json json;
  };
  void add(std::uint64_t time_ns, std::uint64_t duration_ns, Json json);

  std::vector<Json> names_;
  std::vector<Event> events_;
  std::int64_t flows_ = 0;
};

/// What the viewer calls the lanes of a pass.
struct LaneNames {
  std::string process;
  std::string worker = "worker";  ///< "SM" on a GPU
};

/// The phases of a pass as they were recorded; where they were not, laid end to end so that the
/// expert phase ends with the last tile.
std::vector<PhaseSpan> spans_of(const TracedPass& pass);

/// One pass of a layer as a trace: process = rank or device; threads = workers with a slice a tile,
/// named by expert and, of several, pass (token rows, padding and position as details), the padded
/// part of a tile as a nested slice "padding"; a counter of busy workers; the phases on a thread of
/// their own with an arrow from permute, or dispatch, to combine.
/// @param pass with its phases as spans_of() has them
void add_layer_pass(TraceEvents& trace, int process, const LaneNames& names,
                    const TracedPass& pass);

}  // namespace hotexpert
