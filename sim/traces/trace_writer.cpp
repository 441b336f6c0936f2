#include "sim/traces/trace_writer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/writers/writer.hpp"

namespace hotexpert {

void write_trace(const std::string& path, const TraceArrays& arrays) {
  find_trace_writer(path).write(path, arrays);
}

void write_loads(const std::string& path, const LoadMatrix& loads) {
  const auto& row = find_trace_writer(path);
  if (row.write_loads == nullptr) {
    throw UsageError(fmt::format("{}: holds tokens, and this recording has counts only", path));
  }
  row.write_loads(path, loads);
}

TraceArrays arrays_of(const RoutingTrace& trace, int threads) {
  const auto& info = trace.info();
  TraceArrays out;
  out.name = info.name;
  out.origin = info.name;
  out.num_experts = info.num_experts;
  out.step_offsets.push_back(0);
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < info.steps; ++step) {
    const auto batch = trace.read(step, 0, buffer);
    out.step_offsets.push_back(out.step_offsets.back() + batch.tokens);
    out.source_rank.insert(out.source_rank.end(), batch.source_rank.begin(),
                           batch.source_rank.end());
    out.request_id.insert(out.request_id.end(), batch.request_id.begin(), batch.request_id.end());
  }
  const std::int64_t tokens = out.step_offsets.back();
  const std::vector<std::int64_t> shape = {tokens, info.layers, info.slots};
  const auto slots = static_cast<std::size_t>(info.slots);
  const auto total = static_cast<std::size_t>(tokens * info.layers) * slots;
  std::vector<std::int16_t> ids(total);
  std::vector<float> weights(info.has_weights ? total : 0);
  for_each_batch(trace, threads, [&](const RoutingBatch& batch) {
    const std::int64_t first = out.step_offsets[static_cast<std::size_t>(batch.step)];
    for (std::int64_t token = 0; token < batch.tokens; ++token) {
      const auto from = static_cast<std::size_t>(token) * slots;
      const auto to = static_cast<std::size_t>((first + token) * info.layers + batch.layer) * slots;
      std::copy_n(batch.topk_ids.begin() + static_cast<std::ptrdiff_t>(from), slots,
                  ids.begin() + static_cast<std::ptrdiff_t>(to));
      if (weights.empty()) continue;
      std::copy_n(batch.topk_weights.begin() + static_cast<std::ptrdiff_t>(from), slots,
                  weights.begin() + static_cast<std::ptrdiff_t>(to));
    }
  });
  out.topk_ids = owned_array(std::move(ids), shape);
  if (info.has_weights) out.weights = owned_array(std::move(weights), shape);
  return out;
}

}  // namespace hotexpert
