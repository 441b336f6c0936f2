#include "sim/traces/importers/axes.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/safetensors_file.hpp"

namespace hotexpert::formats {

bool sniff_safetensors(const ImportSource& source) {
  return looks_like_safetensors(source.bytes());
}

Recording read_safetensors(const ImportSource& source, const ImportOptions& options) {
  const auto file = parse_safetensors(source.bytes(), source.file, source.path());
  Recording out;
  if (const auto model = file.metadata.find("model"); model != file.metadata.end()) {
    out.model = model->second;
  }
  if (const auto* load = file.find("load"); load != nullptr && file.find("topk_ids") == nullptr) {
    out.loads = loads_from_array(*load, source.path());
    return out;
  }
  if (const auto* routed = file.find("routed_experts");
      routed != nullptr && file.find("topk_ids") == nullptr) {
    out.arrays = recording_from_array(*routed, options, source.path()).arrays;
    return out;
  }
  out.arrays = safetensors_arrays(file, source.path());
  if (!options.axes.empty()) {
    out.arrays->topk_ids = token_layer_slot(out.arrays->topk_ids, options.axes, source.path());
    if (out.arrays->weights) {
      out.arrays->weights = token_layer_slot(*out.arrays->weights, options.axes, source.path());
    }
  }
  return out;
}

}  // namespace hotexpert::formats
