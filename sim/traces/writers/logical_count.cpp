#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/base/output_file.hpp"
#include "sim/traces/writers/formats.hpp"

namespace hotexpert::writers {
namespace {

LoadMatrix loads_of(const TraceArrays& arrays) {
  const int experts =
      arrays.num_experts > 0
          ? arrays.num_experts
          : static_cast<int>(std::min<std::int64_t>(largest_id_plus_one(arrays), kMaxExperts));
  const auto bounds = step_bounds(arrays);
  LoadMatrix loads(static_cast<std::int64_t>(bounds.size()) - 1, arrays.layers(),
                   std::max(experts, 1));
  for (std::size_t step = 0; step + 1 < bounds.size(); ++step) {
    std::int64_t at = bounds[step] * arrays.layers() * arrays.slots();
    for (std::int64_t token = bounds[step]; token < bounds[step + 1]; ++token) {
      for (int layer = 0; layer < arrays.layers(); ++layer) {
        const auto load = loads.at(static_cast<std::int64_t>(step), layer);
        for (int slot = 0; slot < arrays.slots(); ++slot, ++at) {
          const auto id = arrays.topk_ids.integer(at);
          const bool absent = arrays.absent_id && id == *arrays.absent_id;
          if (id >= 0 && id < loads.experts && !absent) ++load[static_cast<std::size_t>(id)];
        }
      }
    }
  }
  return loads;
}

}  // namespace

void write_logical_count(const std::string& path, const TraceArrays& arrays) {
  write_logical_count_loads(path, loads_of(arrays));
}

/// {"logical_count": [steps][layers][experts]}, as EPLB and SGLang read it.
void write_logical_count_loads(const std::string& path, const LoadMatrix& loads) {
  OutputFile file(path);
  file.write("{\"logical_count\":[");
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    file.write(step == 0 ? "\n[" : ",\n[");
    for (int layer = 0; layer < loads.layers; ++layer) {
      file.write(
          fmt::format("{}[{}]", layer == 0 ? "" : ",", fmt::join(loads.at(step, layer), ",")));
    }
    file.write("]");
  }
  file.write("\n]}\n");
  file.finish();
}

}  // namespace hotexpert::writers
