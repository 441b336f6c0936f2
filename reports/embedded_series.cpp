#include "reports/embedded_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "reports/run_store.hpp"
#include "reports/section.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

const Series* find_series(const PointResult& result, std::string_view metric) {
  for (const auto& series : result.series) {
    if (series.metric == metric) return &series;
  }
  return nullptr;
}

/// What the file says of itself, which another program may have written.
bool is_consistent(const Series& series) {
  double count = 1;
  for (const auto extent : series.shape) {
    if (extent < 0) return false;
    count *= static_cast<double>(extent);
  }
  return series.dims.size() == series.shape.size() &&
         count == static_cast<double>(series.values.size());
}

bool same_array(const Series& a, const Series& b) {
  return a.values == b.values && a.shape == b.shape && a.dims == b.dims && a.unit == b.unit &&
         a.provenance == b.provenance;
}

/// The eligible points with the array: those shown first, then the others; or by falling metric.
std::vector<std::size_t> candidates(const Comparison& comparison, const View& view,
                                    const SeriesRequest& request) {
  std::vector<std::size_t> order;
  std::unordered_set<std::size_t> seen;
  const auto add = [&](std::size_t i) {
    if (find_series(comparison.points[i].result, request.metric) != nullptr &&
        seen.insert(i).second)
      order.push_back(i);
  };
  for (const auto& line : view.lines) std::for_each(line.points.begin(), line.points.end(), add);
  std::for_each(view.eligible.begin(), view.eligible.end(), add);
  if (request.most_of.empty()) return order;
  const auto amount = [&](std::size_t i) {
    const auto* found = comparison.points[i].result.find(request.most_of);
    return found == nullptr ? 0 : found->value;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return amount(a) > amount(b); });
  return order;
}

class Embedder {
 public:
  Embedder(const Comparison& comparison, const EmbeddingLimits& limits)
      : comparison_(comparison), limits_(limits) {}

  void add(const ReportSection& section) {
    const View view = make_view(comparison_, section.view());
    for (const auto& request : section.series()) add(section.id, view, request);
  }

  EmbeddedSeries take() { return std::move(out_); }

 private:
  void add(std::string_view section, const View& view, const SeriesRequest& request) {
    auto& points = out_.points[std::string(request.page_name())];
    std::size_t used = 0;
    std::size_t too_many = 0;
    std::size_t unreadable = 0;
    const auto order = candidates(comparison_, view, request);
    for (const std::size_t i : order) {
      if (points.count(i) != 0) continue;
      // Once an array did not fit, no further file is read: runs may hold gigabytes of them.
      if (too_many > 0 &&
          !find_series(comparison_.points[i].result, request.metric)->file.empty()) {
        ++too_many;
        continue;
      }
      auto series = read_series(comparison_, i, request);
      if (!series) {
        ++unreadable;
      } else if (!place(std::move(*series), i, points, used)) {
        ++too_many;
      }
    }
    auto& notes = out_.notes[section];
    if (too_many > 0)
      notes.push_back(fmt::format(
          "The chart has {} of {} points with {}: a page holds at most {} values of it{}. A "
          "report of fewer points shows the others.",
          points.size(), order.size(), request.metric, limits_.values_per_request,
          request.most_of.empty()
              ? std::string()
              : fmt::format("; those with most {} were kept", request.most_of)));
    if (unreadable > 0)
      notes.push_back(fmt::format("{} of {} points have {} in files that cannot be read.",
                                  unreadable, order.size(), request.metric));
    if (notes.empty()) out_.notes.erase(section);
  }

  bool place(Series series, std::size_t point, std::map<std::size_t, std::size_t>& points,
             std::size_t& used) {
    const std::size_t size = series.values.size();
    const auto [first, last] = by_size_.equal_range(size);
    for (auto candidate = first; candidate != last; ++candidate) {
      if (!same_array(out_.arrays[candidate->second], series)) continue;
      points.emplace(point, candidate->second);
      return true;
    }
    if (used + size > limits_.values_per_request || total_ + size > limits_.values_in_page)
      return false;
    used += size;
    total_ += size;
    by_size_.emplace(size, out_.arrays.size());
    points.emplace(point, out_.arrays.size());
    out_.arrays.push_back(std::move(series));
    return true;
  }

  const Comparison& comparison_;
  EmbeddingLimits limits_;
  EmbeddedSeries out_;
  std::multimap<std::size_t, std::size_t> by_size_;
  std::size_t total_ = 0;
};

}  // namespace

std::optional<Series> read_series(const Comparison& comparison, std::size_t point,
                                  std::string_view metric) {
  const auto& compared = comparison.points[point];
  const Series* found = find_series(compared.result, metric);
  if (found == nullptr) return std::nullopt;
  Series series = *found;
  try {
    series.values = series_values(comparison.runs[compared.run].dir, series);
  } catch (const InputError&) {
    return std::nullopt;
  }
  if (!is_consistent(series)) return std::nullopt;
  return series;
}

std::optional<Series> read_series(const Comparison& comparison, std::size_t point,
                                  const SeriesRequest& request) {
  auto series = read_series(comparison, point, request.metric);
  if (series && request.reduce != nullptr) series = request.reduce(std::move(*series));
  return series;
}

EmbeddedSeries embed_series(const Comparison& comparison, const EmbeddingLimits& limits) {
  Embedder embedder(comparison, limits);
  for (const auto* section : report_sections()) {
    if (section->series != nullptr) embedder.add(*section);
  }
  return embedder.take();
}

}  // namespace hotexpert
