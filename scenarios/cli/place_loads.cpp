#include "scenarios/cli/place_loads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/json.hpp"
#include "sim/base/params.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/recorded_trace.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kDefaultStepTokens = 1024;

/// The whole file when it is a JSON document of counts, else "".
std::string counts_text(const std::string& path) {
  if (std::filesystem::is_directory(path)) return "";  // a recording of several files
  if (read_beginning(path, 4096).find("\"logical_count\"") == std::string::npos) return "";
  return read_whole_file(path);
}

/// The layers of one step, checked against the first one read.
void add_step(const Json& layers, const std::string& path, PlaceLoads& loads,
              std::vector<double>& by_step) {
  const auto& rows = layers.as_array();
  if (loads.by_layer.empty()) loads.by_layer.resize(rows.size());
  if (rows.size() != loads.by_layer.size()) {
    throw InputError(fmt::format("{}: logical_count: steps have {} and {} layers", path,
                                 loads.by_layer.size(), rows.size()));
  }
  const std::size_t experts = rows.front().as_array().size();
  for (std::size_t layer = 0; layer < rows.size(); ++layer) {
    const auto& counts = rows[layer].as_array();
    auto& sum = loads.by_layer[layer];
    if (sum.empty()) sum.assign(experts, 0.0);
    if (counts.empty() || counts.size() != sum.size()) {
      throw InputError(fmt::format("{}: logical_count: layer {} has {} experts, others {}", path,
                                   layer, counts.size(), sum.size()));
    }
    for (std::size_t e = 0; e < counts.size(); ++e) {
      const double rows_of_expert = counts[e].as_double();
      if (!(rows_of_expert >= 0)) {
        throw InputError(fmt::format("{}: logical_count: layer {}, expert {} has {} rows", path,
                                     layer, e, shortest(rows_of_expert)));
      }
      sum[e] += rows_of_expert;
      by_step.push_back(rows_of_expert);
    }
  }
}

PlaceLoads read_counts(const Json& document, const std::string& path) {
  const auto& outer = document.at("logical_count").as_array();
  const bool has_layers = !outer.empty() && !outer.front().as_array().empty();
  if (!has_layers) throw InputError(fmt::format("{}: logical_count is empty", path));
  PlaceLoads loads;
  std::vector<double> by_step;
  const bool has_steps = outer.front().as_array().front().is_array();
  if (has_steps) {
    for (const auto& layers : outer) add_step(layers, path, loads, by_step);
  } else {
    add_step(document.at("logical_count"), path, loads, by_step);
  }
  const auto whole = [](double value) { return value == std::floor(value) && value < 0x1p53; };
  if (std::all_of(by_step.begin(), by_step.end(), whole)) {
    loads.steps = LoadMatrix(has_steps ? static_cast<std::int64_t>(outer.size()) : 1,
                             static_cast<int>(loads.by_layer.size()),
                             static_cast<int>(loads.by_layer.front().size()));
    std::transform(by_step.begin(), by_step.end(), loads.steps.load.begin(),
                   [](double value) { return static_cast<std::int64_t>(value); });
  }
  return loads;
}

PlaceLoads sum_steps(LoadMatrix steps) {
  PlaceLoads loads;
  loads.by_layer.assign(static_cast<std::size_t>(steps.layers),
                        std::vector<double>(static_cast<std::size_t>(steps.experts), 0.0));
  for (std::int64_t step = 0; step < steps.steps; ++step) {
    for (int layer = 0; layer < steps.layers; ++layer) {
      auto& sum = loads.by_layer[static_cast<std::size_t>(layer)];
      const auto rows = steps.at(step, layer);
      for (std::size_t e = 0; e < rows.size(); ++e) sum[e] += static_cast<double>(rows[e]);
    }
  }
  loads.steps = std::move(steps);
  return loads;
}

std::int64_t positive(const Arguments& arguments, std::string_view option, std::int64_t fallback) {
  if (!arguments.has(option)) return fallback;
  const auto value = parse_integer(arguments.get(option), option);
  if (value < 1 || value > 1'000'000'000) {
    throw UsageError(fmt::format("{}: {} is outside 1 to 1000000000", option, value));
  }
  return value;
}

}  // namespace

std::vector<OptionRow> place_load_options() {
  return {{"step.tokens", "N", "tokens of a step of a token trace [1024]"},
          {"layer.experts", "N", "experts of a token trace that does not say [largest id + 1]"},
          {"format", "NAME", "what the file is (hotexpert list importers) [decided by content]"}};
}

PlaceLoads read_place_loads(const std::string& path, const Arguments& arguments) {
  if (const auto text = counts_text(path); !text.empty()) {
    return read_counts(Json::parse(text, path), path);
  }
  ImportOptions options;
  options.format = arguments.get("format");
  options.num_experts = static_cast<int>(positive(arguments, "layer.experts", 0));
  auto imported = import_trace({path}, options);
  for (const auto& warning : imported.recording.warnings) warn(warning);
  if (imported.recording.loads) return sum_steps(std::move(*imported.recording.loads));
  RecordedSpec spec;
  spec.num_experts = imported.num_experts;
  spec.tokens_per_step = positive(arguments, "step.tokens", kDefaultStepTokens);
  const auto trace = make_recorded_trace(std::move(*imported.recording.arrays), spec);
  for (const auto& warning : trace->info().warnings) warn(warning);
  return sum_steps(count_loads(*trace, available_threads()));
}

}  // namespace hotexpert
