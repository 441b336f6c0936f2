#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "sim/traces/importers/importer.hpp"
#include "sim/traces/trace_writer.hpp"
#include "sim/traces/writers/writer.hpp"

namespace {

using namespace hotexpert;  // NOLINT: a program of its own

/// A trace whose shape and contents the input decides: ids in range, distinct in a token or absent.
TraceArrays trace_of(const std::uint8_t* data, std::size_t size) {
  std::size_t at = 0;
  const auto next = [&]() -> std::uint32_t { return at < size ? data[at++] : 0U; };
  TraceArrays out;
  const std::int64_t tokens = 1 + next() % 6;
  const std::int64_t layers = 1 + next() % 3;
  const std::int64_t slots = 1 + next() % 4;
  out.num_experts = static_cast<int>(4 + (next() << 8 | next()) % 32700);
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  for (std::int64_t row = 0; row < tokens * layers; ++row) {
    std::int64_t id = (next() << 8 | next()) % static_cast<std::uint32_t>(out.num_experts);
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      ids.push_back(next() % 16 == 1 ? -1 : static_cast<std::int32_t>(id));
      id = (id + 1) % out.num_experts;
      weights.push_back(static_cast<float>(next()) / 255.0F);
    }
  }
  const std::uint32_t has = next();
  out.topk_ids = owned_array(std::move(ids), {tokens, layers, slots});
  if ((has & 1U) != 0) out.weights = owned_array(std::move(weights), {tokens, layers, slots});
  if ((has & 2U) != 0 && tokens > 1) out.step_offsets = {0, 1, tokens};
  for (std::int64_t t = 0; (has & 4U) != 0 && t < tokens; ++t)
    out.request_id.push_back(static_cast<std::int32_t>(next()));
  return out;
}

bool same(const TraceArrays& a, const TraceArrays& b) {
  if (a.topk_ids.shape != b.topk_ids.shape || a.weights.has_value() != b.weights.has_value())
    return false;
  for (std::int64_t i = 0; i < a.topk_ids.elements(); ++i) {
    if (a.topk_ids.integer(i) != b.topk_ids.integer(i)) return false;
    if (a.weights && a.weights->real(i) != b.weights->real(i)) return false;
  }
  return true;
}

}  // namespace

/// A trace written in every format that holds tokens comes back equal from each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string folder = "/dev/shm/hotexpert-formats-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const TraceArrays trace = trace_of(data, size);
  for (const auto& writer : trace_writers()) {
    const std::string path = folder + "/topk_ids" + std::string(writer.extension);
    std::filesystem::remove(folder + "/topk_weights.npy");
    writer.write(path, trace);
    const auto back =
        import_trace({path}, {.num_experts = trace.num_experts, .on_bad = OnBad::kKeep});
    if (!back.recording.arrays) continue;    // counts only
    if (back.layers_left_out > 0) continue;  // a layer of zeros, taken for a dense one
    if (!same(trace, *back.recording.arrays)) std::abort();
  }
  return 0;
}
