#include <fmt/format.h>

#include <iterator>

#include "sim/base/output_file.hpp"
#include "sim/traces/writers/formats.hpp"

namespace hotexpert::writers {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

}  // namespace

/// A line a slot: token,layer,slot,expert and, where there are weights, weight. -1 is absent.
void write_csv(const std::string& path, const TraceArrays& arrays) {
  OutputFile file(path);
  std::string out =
      arrays.weights ? "token,layer,slot,expert,weight\n" : "token,layer,slot,expert\n";
  std::int64_t at = 0;
  for (std::int64_t token = 0; token < arrays.tokens(); ++token) {
    for (int layer = 0; layer < arrays.layers(); ++layer) {
      for (int slot = 0; slot < arrays.slots(); ++slot, ++at) {
        fmt::format_to(std::back_inserter(out), "{},{},{},{}", token, layer, slot,
                       arrays.topk_ids.integer(at));
        if (arrays.weights) {
          fmt::format_to(std::back_inserter(out), ",{}",
                         static_cast<float>(arrays.weights->real(at)));
        }
        out += '\n';
      }
    }
    if (out.size() < kChunk) continue;
    file.write(out);
    out.clear();
  }
  file.write(out);
  file.finish();
}

/// step,layer,expert,load
void write_csv_loads(const std::string& path, const LoadMatrix& loads) {
  OutputFile file(path);
  file.write("step,layer,expert,load\n");
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    for (int layer = 0; layer < loads.layers; ++layer) {
      int expert = 0;
      for (const auto count : loads.at(step, layer)) {
        file.write(fmt::format("{},{},{},{}\n", step, layer, expert++, count));
      }
    }
  }
  file.finish();
}

}  // namespace hotexpert::writers
