#include <fmt/format.h>

#include <optional>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"

namespace hotexpert::formats {

bool sniff_jsonl(const ImportSource& source) {
  const auto line = first_line(source.beginning());
  return !line.empty() && line.front() == '{' &&
         line.find("\"topk_ids\"") != std::string_view::npos;
}

/// Each line is {"layer": l, "topk_ids": ids, "topk_weights": weights}: ids of one token, or of
/// several as a list of lists. Tokens of a layer are in the order of its lines. A "step" that
/// differs from that of the line before begins a new step.
Recording read_jsonl(const ImportSource& source, const ImportOptions&) {
  TokenTable table(source.path());
  std::optional<std::int64_t> step;
  for_each_json_line(source.text(), source.path(), [&](const Json& json, const std::string& where) {
    if (const Json* const next = json.find("step"); next != nullptr) {
      if (step && *step != next->as_integer()) table.end_step();
      step = next->as_integer();
    }
    const Json* const layer = json.find("layer");
    const auto layer_index = layer == nullptr ? std::int64_t{0} : layer->as_integer();
    const auto& ids = json.at("topk_ids").as_array();
    const Json* const weights = json.find("topk_weights");
    const bool many = !ids.empty() && ids.front().is_array();
    const auto add = [&](const Json& row, const Json* row_weights) {
      table.add(layer_index, json_ids(row, where),
                row_weights == nullptr ? std::vector<double>{} : json_weights(*row_weights));
    };
    if (!many) {
      add(json.at("topk_ids"), weights);
      return;
    }
    if (weights != nullptr && weights->as_array().size() != ids.size()) {
      throw InputError(fmt::format("{}: {} tokens but weights for {}", where, ids.size(),
                                   weights->as_array().size()));
    }
    for (std::size_t t = 0; t < ids.size(); ++t) {
      add(ids[t], weights == nullptr ? nullptr : &weights->as_array()[t]);
    }
  });
  return recording_from_table(table);
}

}  // namespace hotexpert::formats
