#include "sim/placement/expert_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::array kFormats = {
    ExpertMapFormatRow{"eplb-json", "EPLB's three tensors", &write_eplb_json, &read_eplb_json},
    ExpertMapFormatRow{"trtllm-yaml", "TensorRT-LLM's initial_global_assignments",
                       &write_trtllm_yaml, &read_trtllm_yaml},
    ExpertMapFormatRow{"sglang-json", "SGLang's --init-expert-location", &write_sglang_json,
                       &read_sglang_json},
};

}  // namespace

std::span<const ExpertMapFormatRow> expert_map_formats() { return kFormats; }

bool layer_numbers_rise(std::span<const int> layer_ids) {
  return std::adjacent_find(layer_ids.begin(), layer_ids.end(), std::greater_equal<>()) ==
             layer_ids.end() &&
         (layer_ids.empty() || layer_ids.front() >= 0);
}

void validate(const ExpertMap& map) {
  if (map.layers.empty() || map.layers.size() != map.layer_ids.size()) {
    throw UsageError(fmt::format("expert map: {} layers with {} layer numbers", map.layers.size(),
                                 map.layer_ids.size()));
  }
  if (!layer_numbers_rise(map.layer_ids)) {
    throw UsageError("expert map: layer numbers do not rise from 0 or more");
  }
  const auto& first = map.layers.front().placement;
  for (const auto& layer : map.layers) {
    const auto& placement = layer.placement;
    if (placement.num_experts() != first.num_experts() ||
        placement.num_physical() != first.num_physical() ||
        placement.num_ranks() != first.num_ranks()) {
      throw UsageError("expert map: layers differ in experts, slots or ranks");
    }
    const int slots_per_rank = placement.num_physical() / placement.num_ranks();
    for (int slot = 0; slot < placement.num_physical(); ++slot) {
      const auto rank = placement.physical_to_rank()[static_cast<std::size_t>(slot)];
      if (placement.num_physical() % placement.num_ranks() != 0 ||
          index(rank) != slot / slots_per_rank) {
        throw UsageError(fmt::format(
            "expert map: {} slots are not equal runs on {} ranks, as the file formats assume; use "
            "slots that ranks divide",
            placement.num_physical(), placement.num_ranks()));
      }
    }
  }
}

PlacedLayer layer_from_file(const std::vector<std::int64_t>& slot_expert, int num_experts,
                            int ranks, std::string_view origin, int layer_id,
                            std::vector<std::int32_t> copy_number) {
  const auto slots = static_cast<int>(slot_expert.size());
  if (ranks < 1 || slots % ranks != 0) {
    throw InputError(fmt::format("{}: layer {}: {} ranks do not divide {} slots", origin, layer_id,
                                 ranks, slots));
  }
  std::vector<LogicalExpert> experts;
  std::vector<int> copies(static_cast<std::size_t>(num_experts), 0);
  for (const auto id : slot_expert) {
    if (id < 0 || id >= num_experts) {
      throw InputError(fmt::format("{}: layer {}: slot {} holds expert {}, outside 0 to {}", origin,
                                   layer_id, experts.size(), id, num_experts - 1));
    }
    ++copies[static_cast<std::size_t>(id)];
    experts.push_back(static_cast<LogicalExpert>(id));
  }
  const auto missing = std::find(copies.begin(), copies.end(), 0);
  if (missing != copies.end()) {
    throw InputError(fmt::format("{}: layer {}: expert {} has no slot", origin, layer_id,
                                 missing - copies.begin()));
  }
  ExpertPlacement placement(num_experts, ranks, std::move(experts), ranks_of_slots(slots, ranks));
  if (copy_number.empty()) return PlacedLayer(std::move(placement));
  return {std::move(placement), std::move(copy_number), false};
}

}  // namespace hotexpert
