#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kPlaced = "rank.load";
constexpr std::string_view kContiguous = "rank.load_contiguous";
constexpr std::string_view kSkew = "rank.max_over_mean";

/// Load over the mean load of its layer: [layer, rank].
Series over_mean(Series series) {
  const auto ranks = static_cast<std::size_t>(series.shape.size() == 2 ? series.shape[1] : 1);
  for (std::size_t first = 0; ranks > 0 && first + ranks <= series.values.size(); first += ranks) {
    const auto begin = series.values.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(ranks);
    const double sum = std::accumulate(begin, end, 0.0);
    if (!(sum > 0)) continue;
    std::transform(begin, end, begin,
                   [&](double rows) { return rows * static_cast<double>(ranks) / sum; });
  }
  series.unit = "ratio";
  return series;
}

SeriesRequest placed() { return {.metric = kPlaced, .most_of = kSkew, .reduce = over_mean}; }
SeriesRequest contiguous() {
  return {.metric = kContiguous, .most_of = kSkew, .reduce = over_mean};
}

ViewSpec view() {
  return {.x = "",
          .along = {"skew.", "trace.", "kernel", "seed", "capacity.", "placement."},
          .series = {kPlaced, kContiguous}};
}

/// The shown point that is best placed: the lowest rank load.
std::size_t shown_point(const Comparison& comparison, const View& view) {
  std::size_t best = kNone;
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      if (best == kNone || x_of(comparison.points[i], kSkew) < x_of(comparison.points[best], kSkew))
        best = i;
    }
  }
  return best;
}

Table heat_table(const Comparison& comparison, const View& view, const SeriesRequest& request,
                 std::string caption) {
  Table out{std::move(caption), {{"layer", true}}, {}, 0};
  const std::size_t point = shown_point(comparison, view);
  const auto series = point == kNone ? std::nullopt : read_series(comparison, point, request);
  if (!series || series->shape.size() != 2) return out;
  const auto ranks = static_cast<std::size_t>(series->shape[1]);
  for (std::size_t r = 0; r < ranks; ++r) out.columns.push_back({fmt::format("rank {}", r), true});
  for (std::size_t layer = 0; layer * ranks < series->values.size(); ++layer) {
    Table::Row row{kNone, {std::to_string(layer)}};
    for (std::size_t r = 0; r < ranks; ++r)
      row.cells.push_back(fmt::format("{:.2f}", series->values[layer * ranks + r]));
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace

const ReportSection kRankLoadBefore = {
    .id = "rank-load-before",
    .group = SectionGroup::kRanks,
    .title = "Rank load before placement",
    .how_to_read =
        "Rows of each rank over the mean of its layer, in the steps that placements had not seen, "
        "experts in their order (contiguous): what placement starts from.",
    .view = view,
    .table =
        [](const Comparison& comparison, const View& view) {
          return heat_table(comparison, view, contiguous(),
                            "Load over the mean, contiguous, by layer and rank");
        },
    .series = [] { return std::vector{contiguous()}; },
};

const ReportSection kRankLoadAfter = {
    .id = "rank-load-after",
    .group = SectionGroup::kRanks,
    .title = "Rank load after placement",
    .how_to_read =
        "The same steps with experts where the best of the shown placements put them from past "
        "load. The filters choose another.",
    .view = view,
    .table =
        [](const Comparison& comparison, const View& view) {
          return heat_table(comparison, view, placed(),
                            "Load over the mean, as placed, by layer and rank");
        },
    .series = [] { return std::vector{placed()}; },
};

}  // namespace hotexpert
