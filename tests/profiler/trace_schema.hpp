#pragma once

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert {

/// Sentences on what a trace viewer would refuse or show wrongly: missing members, times with more
/// than three decimals, slices of a thread that neither nest nor follow each other, flows without
/// both ends, events out of order. Empty for a sound trace.
inline std::vector<std::string> trace_schema_faults(const Json& trace) {
  std::vector<std::string> faults;
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::pair<double, double>>> open;
  std::map<std::int64_t, std::string> flows;
  const auto has_three_decimals = [](double us) {
    return std::abs(us * 1000 - std::round(us * 1000)) < 1e-3;
  };
  double last_ts = 0;
  for (const auto& event : trace.at("traceEvents").as_array()) {
    const auto phase = event.at("ph").as_string();
    const auto& name = event.at("name").as_string();
    const auto pid = event.at("pid").as_integer();
    if (phase == "M") continue;
    const double ts = event.at("ts").as_double();
    if (ts < last_ts) faults.push_back(fmt::format("{} is out of order", name));
    if (ts < 0 || !has_three_decimals(ts)) faults.push_back(fmt::format("{} has ts {}", name, ts));
    last_ts = ts;
    if (phase == "X") {
      const double dur = event.at("dur").as_double();
      if (dur < 0 || !has_three_decimals(dur))
        faults.push_back(fmt::format("{} has dur {}", name, dur));
      auto& stack = open[{pid, event.at("tid").as_integer()}];
      while (!stack.empty() && stack.back().second <= ts + 1e-6) stack.pop_back();
      if (!stack.empty() && ts + dur > stack.back().second + 1e-6)
        faults.push_back(fmt::format("{} at {} crosses its parent's end", name, ts));
      stack.emplace_back(ts, ts + dur);
    } else if (phase == "s" || phase == "f") {
      flows[event.at("id").as_integer()] += phase;
    } else if (phase == "C") {
      if (!event.at("args").at("value").is_number()) faults.push_back(name + " has no value");
    } else {
      faults.push_back(fmt::format("unknown phase {}", phase));
    }
  }
  for (const auto& [id, ends] : flows) {
    if (ends != "sf") faults.push_back(fmt::format("flow {} has ends '{}'", id, ends));
  }
  return faults;
}

}  // namespace hotexpert
