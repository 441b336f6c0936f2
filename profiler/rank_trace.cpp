#include "profiler/rank_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hotexpert {
namespace {

double largest(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

double at(const std::vector<double>& values, std::size_t rank) {
  return rank < values.size() ? values[rank] : 0.0;
}

}  // namespace

std::uint64_t add_rank_step(TraceEvents& trace, int first_process, std::uint64_t start_ns,
                            const RankStep& step) {
  const auto ns = [start_ns](double seconds) {
    return start_ns + static_cast<std::uint64_t>(std::llround(seconds * 1e9));
  };
  const double arrived = largest(step.dispatch_s);
  const double done = arrived + largest(step.total_s);
  for (std::size_t rank = 0; rank < step.total_s.size(); ++rank) {
    const int process = first_process + static_cast<int>(rank);
    const auto slice = [&](const char* name, const char* category, double begin, double end) {
      if (ns(end) <= ns(begin)) return;
      trace.slice(process, 0, name, category, ns(begin), ns(end),
                  Json::object().set("rows", at(step.rows, rank)));
    };
    trace.name_process(process, fmt::format("rank {}", rank));
    slice("dispatch", "network", 0, at(step.dispatch_s, rank));
    slice("wait for rows", "wait", at(step.dispatch_s, rank), arrived);
    slice("compute", "compute", arrived, arrived + step.total_s[rank]);
    // Permute and combine surround the experts; only their sum is known.
    const double rest = std::max(0.0, step.total_s[rank] - at(step.ffn_s, rank)) / 2;
    slice("experts", "compute", arrived + rest, arrived + step.total_s[rank] - rest);
    slice("wait for the slowest rank", "wait", arrived + step.total_s[rank], done);
    slice("return", "network", done, done + at(step.return_s, rank));
  }
  return ns(done + largest(step.return_s));
}

}  // namespace hotexpert
