#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/base/json_items.hpp"
#include "sim/traces/importers/count_lists.hpp"
#include "sim/traces/importers/formats.hpp"

namespace hotexpert::formats {
namespace {

/// {"shape": [layers, experts]}, where the file has it.   @throws InputError when the counts differ
void check_shape(const Json& json, const LoadMatrix& loads, const std::string& path) {
  const Json* const shape = json.find("shape");
  if (shape == nullptr) return;
  if (*shape == Json::array_of(std::vector<std::int64_t>{loads.layers, loads.experts})) return;
  throw InputError(fmt::format("{}: shape is {}, but the counts are [{},{}]", path, shape->dump(),
                               loads.layers, loads.experts));
}

}  // namespace

bool sniff_dataset_counts(const ImportSource& source) {
  return source.beginning().find("\"counts_by_dataset\"") != std::string_view::npos;
}

/// {"counts_by_dataset": {name: [layers][experts], …}, and perhaps "model", "top_k" and
/// "shape": [layers, experts]}: a step is the whole of a dataset, in the file's order. A dataset at
/// a time.
Recording read_dataset_counts(const ImportSource& source, const ImportOptions&) {
  CountLists counts(source.path() + ": counts_by_dataset");
  std::string names;
  std::int64_t datasets = 0;
  const auto add = [&](const Json& layers, const std::string& name) {
    counts.add(layers);
    names += (datasets++ > 0 ? ", " : "") + name;
  };
  const Json json = parse_json_items(source.text(), source.path(), {{"counts_by_dataset", add}});
  (void)json.at("counts_by_dataset").as_object();
  Recording out;
  out.loads = counts.finish();
  check_shape(json, *out.loads, source.path());
  if (const Json* const model = json.find("model")) out.model = model->as_string();
  if (const Json* const top_k = json.find("top_k")) {
    const auto k = top_k->as_integer();
    if (k < 1 || k > out.loads->experts) {
      throw InputError(
          fmt::format("{}: top_k = {} is not in 1 to {}", source.path(), k, out.loads->experts));
    }
    out.top_k = static_cast<int>(k);
  }
  out.checks.push_back({"datasets", Severity::kInfo, datasets, "datasets",
                        fmt::format("Each step is a dataset, summed over its tokens: {}.", names)});
  return out;
}

}  // namespace hotexpert::formats
