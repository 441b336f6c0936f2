#include "sim/traces/importers/token_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/base/errors.hpp"

namespace hotexpert::formats {

void TokenTable::add(std::int64_t layer, std::span<const std::int64_t> ids,
                     std::span<const double> weights) {
  if (layer < 0) throw InputError(fmt::format("{}: layer {} is not >= 0", origin_, layer));
  if (!weights.empty() && weights.size() != ids.size()) {
    throw InputError(fmt::format("{}: layer {}: {} experts but {} weights", origin_, layer,
                                 ids.size(), weights.size()));
  }
  auto& [all_ids, all_weights] = layers_[layer];
  auto& row = all_ids.emplace_back();
  for (const auto id : ids) {
    if (!std::in_range<std::int32_t>(id)) {
      throw InputError(
          fmt::format("{}: layer {}: expert id {} is out of range", origin_, layer, id));
    }
    row.push_back(static_cast<std::int32_t>(id));
  }
  auto& weight_row = all_weights.emplace_back();
  for (const auto weight : weights) weight_row.push_back(static_cast<float>(weight));
  slots_ = std::max(slots_, ids.size());
  weighted_ = weighted_ && weights.size() == ids.size() && !ids.empty();
}

std::int64_t TokenTable::tokens() const {
  std::size_t most = 0;
  for (const auto& [number, layer] : layers_) most = std::max(most, layer.ids.size());
  return static_cast<std::int64_t>(most);
}

void TokenTable::end_step() {
  const auto most = static_cast<std::size_t>(tokens());
  for (auto& [number, layer] : layers_) {
    missing_ += static_cast<std::int64_t>(most - layer.ids.size());
    layer.ids.resize(most);
    layer.weights.resize(most);
  }
  step_ends_.push_back(tokens());
}

void TokenTable::mark_tokens(std::vector<std::int32_t>& marks, std::int32_t value) {
  marks.resize(std::max(marks.size(), static_cast<std::size_t>(tokens())), value);
}

TraceArrays TokenTable::finish() {
  if (step_ends_.empty() || step_ends_.back() != tokens()) end_step();
  const std::int64_t count = tokens();
  if (count == 0 || slots_ == 0) throw InputError(fmt::format("{}: holds no routing", origin_));
  const auto layers = static_cast<std::int64_t>(layers_.size());
  const std::vector<std::int64_t> shape = {count, layers, static_cast<std::int64_t>(slots_)};
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  const auto total = static_cast<std::size_t>(count * layers) * slots_;
  ids.reserve(total);
  for (std::size_t token = 0; token < static_cast<std::size_t>(count); ++token) {
    for (const auto& [number, layer] : layers_) {
      ids.insert(ids.end(), layer.ids[token].begin(), layer.ids[token].end());
      ids.resize(ids.size() + slots_ - layer.ids[token].size(), kAbsent);
      if (!weighted_) continue;
      weights.insert(weights.end(), layer.weights[token].begin(), layer.weights[token].end());
      weights.resize(weights.size() + slots_ - layer.weights[token].size(), 0.0F);
    }
  }
  TraceArrays out;
  out.name = origin_;
  out.topk_ids = owned_array(std::move(ids), shape);
  if (weighted_) out.weights = owned_array(std::move(weights), shape);
  if (step_ends_.size() > 1) {
    out.step_offsets.push_back(0);
    for (const auto end : step_ends_) {
      if (end != out.step_offsets.back()) out.step_offsets.push_back(end);
    }
  }
  return out;
}

std::vector<std::int64_t> json_ids(const Json& row, const std::string& where) {
  std::vector<std::int64_t> out;
  try {
    for (const auto& id : row.as_array()) out.push_back(id.as_integer());
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", where, error.what()));
  }
  return out;
}

std::vector<double> json_weights(const Json& row) {
  std::vector<double> out;
  for (const auto& weight : row.as_array()) out.push_back(weight.as_double());
  return out;
}

std::string_view first_line(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) return line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Recording recording_from_table(TokenTable& table) {
  Recording out;
  out.arrays = table.finish();
  out.checks.push_back({"unrecorded_tokens", Severity::kWarning, table.missing(), "tokens",
                        fmt::format("{} (token, layer) pairs are missing: a layer recorded fewer "
                                    "tokens than another.",
                                    table.missing())});
  return out;
}

}  // namespace hotexpert::formats
