#include "sim/traces/importers/token_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/base/errors.hpp"

namespace hotexpert::formats {
namespace {

// Few ids must not become a large array of absent ones.
constexpr double kMostCellsAnId = 64;
constexpr double kHarmlessCells = 1e6;

}  // namespace

void TokenTable::add(std::int64_t layer, std::span<const std::int64_t> ids,
                     std::span<const double> weights) {
  if (layer < 0) throw InputError(fmt::format("{}: layer {} is not >= 0", origin_, layer));
  if (!weights.empty() && weights.size() != ids.size()) {
    throw InputError(fmt::format("{}: layer {}: {} experts but {} weights", origin_, layer,
                                 ids.size(), weights.size()));
  }
  auto& of_layer = layers_[layer];
  if (of_layer.ends.empty() && !step_ends_.empty()) {  // a layer that the steps before lack
    of_layer.ends.resize(static_cast<std::size_t>(step_ends_.back()), 0);
    missing_ += step_ends_.back();
  }
  for (const auto id : ids) {
    if (!std::in_range<std::int32_t>(id)) {
      throw InputError(
          fmt::format("{}: layer {}: expert id {} is out of range", origin_, layer, id));
    }
    of_layer.ids.push_back(static_cast<std::int32_t>(id));
  }
  for (const auto weight : weights) of_layer.weights.push_back(static_cast<float>(weight));
  of_layer.weights.resize(of_layer.ids.size());
  of_layer.ends.push_back(of_layer.ids.size());
  slots_ = std::max(slots_, ids.size());
  if (!ids.empty()) weighted_ = weighted_ && !weights.empty();
}

std::int64_t TokenTable::tokens() const {
  std::size_t most = 0;
  for (const auto& [number, layer] : layers_) most = std::max(most, layer.ends.size());
  return static_cast<std::int64_t>(most);
}

std::int64_t TokenTable::tokens_of(std::int64_t layer) const {
  const auto found = layers_.find(layer);
  return found == layers_.end() ? 0 : static_cast<std::int64_t>(found->second.ends.size());
}

void TokenTable::check_density() const {
  std::size_t given = 0;
  for (const auto& [number, layer] : layers_) given += layer.ids.size();
  const double cells = static_cast<double>(tokens()) * static_cast<double>(layers_.size()) *
                       static_cast<double>(slots_);
  if (cells <= kMostCellsAnId * static_cast<double>(given) + kHarmlessCells) return;
  throw InputError(
      fmt::format("{}: {} experts are named in {} tokens, {} layers and {} slots, mostly absent "
                  "ones: tokens, layers or slots are numbered wrongly",
                  origin_, given, tokens(), layers_.size(), slots_));
}

void TokenTable::end_step() {
  check_density();
  const auto most = static_cast<std::size_t>(tokens());
  for (auto& [number, layer] : layers_) {
    missing_ += static_cast<std::int64_t>(most - layer.ends.size());
    layer.ends.resize(most, layer.ids.size());
  }
  step_ends_.push_back(tokens());
}

void TokenTable::mark_tokens(std::vector<std::int32_t>& marks, std::int32_t value) {
  marks.resize(std::max(marks.size(), static_cast<std::size_t>(tokens())), value);
}

TraceArrays TokenTable::finish() {
  check_density();
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
      const auto begin = static_cast<std::ptrdiff_t>(token == 0 ? 0 : layer.ends[token - 1]);
      const auto end = static_cast<std::ptrdiff_t>(layer.ends[token]);
      const std::size_t absent = slots_ - static_cast<std::size_t>(end - begin);
      ids.insert(ids.end(), layer.ids.begin() + begin, layer.ids.begin() + end);
      ids.resize(ids.size() + absent, kAbsent);
      if (!weighted_) continue;
      weights.insert(weights.end(), layer.weights.begin() + begin, layer.weights.begin() + end);
      weights.resize(weights.size() + absent, 0.0F);
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
