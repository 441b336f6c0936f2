#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/axes.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/npy_file.hpp"
#include "sim/traces/zip_archive.hpp"

namespace hotexpert::formats {
namespace {

std::string stem(const std::string& member) {
  return member.size() > 4 && member.ends_with(".npy") ? member.substr(0, member.size() - 4)
                                                       : member;
}

}  // namespace

bool sniff_npz(const ImportSource& source) {
  return source.beginning().rfind("PK\x03\x04", 0) == 0;
}

Recording read_npz(const ImportSource& source, const ImportOptions& options) {
  // The members are those of a trace file in .safetensors, so one reader serves both.
  SafetensorsFile file;
  for (const auto& [member, bytes] : read_zip(source.path())) {
    const auto origin = fmt::format("{}: member '{}'", source.path(), member);
    file.tensors.emplace(stem(member), parse_npy(*bytes, bytes, origin));
  }
  if (const auto* experts = file.find("num_experts");
      experts != nullptr && experts->elements() == 1 && is_integer(experts->type)) {
    file.metadata["num_experts"] = std::to_string(experts->integer(0));
  }
  if (file.find("topk_ids") == nullptr) {
    if (const auto* load = file.find("load")) {
      Recording out;
      out.loads = loads_from_array(*load, source.path());
      return out;
    }
    const auto* ids = file.find("routed_experts");
    if (ids == nullptr && file.tensors.size() == 1) ids = &file.tensors.begin()->second;
    if (ids == nullptr) {
      throw InputError(
          fmt::format("{}: has no member topk_ids, routed_experts or load", source.path()));
    }
    return recording_from_array(*ids, options, source.path());
  }
  Recording out;
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
