#include "sim/routing/spectrum_table.hpp"

#include <algorithm>
#include <span>

namespace hotexpert {

std::vector<std::int64_t> spectrum_capacities(const CapacityScope& scope) {
  constexpr std::int64_t kPerFactor = 32;
  constexpr std::int64_t kEvenUpTo = 4;
  std::vector<std::int64_t> capacities = {0};
  const std::int64_t assignments = scope.tokens * scope.top_k;
  const auto add = [&](std::int64_t capacity) {
    capacity = std::min(capacity, scope.tokens);
    if (capacity > capacities.back()) capacities.push_back(capacity);
  };
  for (std::int64_t i = 1; i <= kPerFactor * kEvenUpTo; ++i) {
    add(ceil_product(assignments, Decimal(i, 0), kPerFactor * scope.num_experts));
  }
  while (capacities.back() < scope.tokens) add(capacities.back() + capacities.back() / 20 + 1);
  return capacities;
}

SpectrumTable::SpectrumTable(std::vector<std::int64_t> capacities, std::vector<Decimal> tolerances,
                             std::int64_t group)
    : empty_(std::move(capacities), std::move(tolerances)), group_(group) {}

void SpectrumTable::add(const RoutingBatch& batch) {
  const std::int64_t size = group_ > 0 ? group_ : std::max<std::int64_t>(1, batch.tokens);
  const auto experts = static_cast<std::size_t>(batch.num_experts);
  loads_.assign(static_cast<std::size_t>((batch.tokens + size - 1) / size) * experts, 0);
  auto loads = std::span(loads_);
  for (std::int64_t first = 0; first < batch.tokens; first += size) {
    RoutingBatch group = batch;
    group.tokens = std::min(size, batch.tokens - first);
    group.topk_ids = batch.topk_ids.subspan(static_cast<std::size_t>(first * batch.slots));
    count_load(group, loads.first(experts));
    loads = loads.subspan(experts);
  }
  step_.assign(loads_);
  layers_.try_emplace(batch.layer, empty_).first->second.add(step_);
}

void SpectrumTable::merge(const SpectrumTable& other) {
  for (const auto& [layer, summary] : other.layers_) {
    layers_.try_emplace(layer, empty_).first->second.merge(summary);
  }
}

std::vector<int> SpectrumTable::layers() const {
  std::vector<int> layers;
  for (const auto& entry : layers_) layers.push_back(entry.first);
  return layers;
}

SpectrumSummary SpectrumTable::all() const {
  SpectrumSummary all = empty_;
  for (const auto& entry : layers_) all.merge(entry.second);
  return all;
}

}  // namespace hotexpert
