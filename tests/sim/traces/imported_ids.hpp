#pragma once

#include <cstdint>
#include <vector>

#include "sim/traces/importers/importer.hpp"

namespace hotexpert::testing_files {

using Ids = std::vector<std::int64_t>;

/// The expert ids of an imported token trace, [tokens, layers, k] flat.
inline Ids ids_of(const ImportedTrace& trace) {
  Ids out;
  const auto& array = trace.recording.arrays->topk_ids;
  for (std::int64_t i = 0; i < array.elements(); ++i) out.push_back(array.integer(i));
  return out;
}

}  // namespace hotexpert::testing_files
