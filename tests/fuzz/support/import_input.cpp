#include "tests/fuzz/support/import_input.hpp"

#include <cmath>
#include <cstdlib>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/trace_summary.hpp"
#include "tests/fuzz/support/input_file.hpp"

namespace hotexpert::fuzz {
namespace {

constexpr const char* kAxes[] = {"", "layer,token,slot", "token,slot", "step,layer,expert"};

/// Loads of the replay, counted one batch at a time, against the summary's.
void check_replay(TraceArrays arrays, int experts) {
  const auto summary = summarize(arrays, experts, arrays.tokens());
  const auto trace = make_recorded_trace(std::move(arrays), {.num_experts = experts});
  std::int64_t counted = 0;
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < trace->info().steps; ++step) {
    for (int layer = 0; layer < trace->info().layers; ++layer) {
      std::vector<std::int64_t> load(static_cast<std::size_t>(experts));
      count_load(trace->read(step, layer, buffer), load);
      for (const auto c : load) counted += c;
    }
  }
  if (counted != summary.overall.assignments || !std::isfinite(summary.overall.cv)) std::abort();
}

}  // namespace

int import_input(std::string_view format, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[size - 1];  // the last byte: formats begin with a magic
  const InputFile file(text_of(data, size - 1));
  try {
    auto imported = import_trace({file.path()}, {.format = std::string(format),
                                                 .axes = kAxes[choice & 3],
                                                 .weights_file = "none",
                                                 .top_k = choice >> 2 & 3,
                                                 .on_bad = static_cast<OnBad>((choice >> 4) % 3)});
    if (imported.recording.arrays) {
      check_replay(std::move(*imported.recording.arrays), imported.num_experts);
    } else if (!std::isfinite(summarize(*imported.recording.loads).overall.cv)) {
      std::abort();
    }
  } catch (const Error&) {  // refused, with a sentence
  }
  return 0;
}

}  // namespace hotexpert::fuzz
