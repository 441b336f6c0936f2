#include "scenarios/runner/drop_series.hpp"

#include <span>
#include <string>

namespace hotexpert {
namespace {

Series fractions(std::string metric, std::string dim, std::vector<double> values) {
  Series series;
  series.metric = std::move(metric);
  series.unit = "fraction";
  series.dims = {std::move(dim)};
  series.shape = {static_cast<std::int64_t>(values.size())};
  series.values = std::move(values);
  return series;
}

std::vector<double> fractions_of(std::span<const DropCount> counts) {
  std::vector<double> values;
  for (const auto& count : counts) values.push_back(count.fraction());
  return values;
}

}  // namespace

std::vector<Series> bias_series(const DropStatistics& drops) {
  std::vector<Series> out;
  out.push_back(fractions("drop.by_position", "decile", fractions_of(drops.by_batch_decile)));
  if (drops.has_sequences) {
    out.push_back(
        fractions("drop.by_sequence_position", "decile", fractions_of(drops.by_sequence_decile)));
  }
  if (drops.by_source_rank.size() > 1) {
    out.push_back(fractions("drop.by_source_rank", "rank", fractions_of(drops.by_source_rank)));
  }
  return out;
}

Series drops_by_layer(std::vector<double> values) {
  return fractions("drop.by_layer", "layer", std::move(values));
}

}  // namespace hotexpert
