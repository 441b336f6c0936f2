#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "sim/base/output_file.hpp"
#include "sim/traces/writers/formats.hpp"

namespace hotexpert::writers {
namespace {

constexpr std::int64_t kTokensALine = 256;

/// "[[1,2],[3,4]]" of rows first to last of one layer; `text` writes one element.
template <class Text>
void append_rows(std::string& out, const TraceArrays& arrays, int layer, std::int64_t first,
                 std::int64_t last, Text&& text) {
  for (std::int64_t token = first; token < last; ++token) {
    const std::int64_t at = (token * arrays.layers() + layer) * arrays.slots();
    out += token == first ? "[[" : ",[";
    for (int slot = 0; slot < arrays.slots(); ++slot) {
      if (slot > 0) out += ',';
      text(out, at + slot);
    }
    out += ']';
  }
  out += ']';
}

}  // namespace

/// {"step": s, "layer": l, "topk_ids": [tokens][k], "topk_weights": [tokens][k]}, up to 256 tokens
/// a line.
void write_jsonl(const std::string& path, const TraceArrays& arrays) {
  OutputFile file(path);
  const auto bounds = step_bounds(arrays);
  for (std::size_t step = 0; step + 1 < bounds.size(); ++step) {
    for (int layer = 0; layer < arrays.layers(); ++layer) {
      for (std::int64_t first = bounds[step]; first < bounds[step + 1]; first += kTokensALine) {
        const std::int64_t last = std::min(first + kTokensALine, bounds[step + 1]);
        std::string line = fmt::format("{{\"step\":{},\"layer\":{},\"topk_ids\":", step, layer);
        append_rows(line, arrays, layer, first, last, [&](std::string& out, std::int64_t at) {
          fmt::format_to(std::back_inserter(out), "{}", arrays.topk_ids.integer(at));
        });
        if (arrays.weights) {
          line += ",\"topk_weights\":";
          append_rows(line, arrays, layer, first, last, [&](std::string& out, std::int64_t at) {
            fmt::format_to(std::back_inserter(out), "{}",
                           static_cast<float>(arrays.weights->real(at)));
          });
        }
        file.write(line + "}\n");
      }
    }
  }
  file.finish();
}

}  // namespace hotexpert::writers
