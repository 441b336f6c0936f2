#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// The placements of a model's layers, as serving frameworks load and save them. Their files say
/// neither how many ranks there are (slots are cut into equal runs) nor, mostly, how many experts
/// (each has a slot, so the largest id tells).
struct ExpertMap {
  std::vector<int> layer_ids;       ///< [layers] the model's number of each layer, rising
  std::vector<PlacedLayer> layers;  ///< [layers] equal experts, slots and ranks
};

/// @throws UsageError unless the map has layers of equal sizes with as many slots on each rank, in
/// rank order: what every format below assumes.
void validate(const ExpertMap& map);

/// A file format of expert maps.
struct ExpertMapFormatRow {
  std::string_view name;
  std::string_view summary;
  /// @throws UsageError as validate() does.
  std::string (*write)(const ExpertMap& map);
  /// @param origin names the text in errors   @param ranks that share the slots
  /// @throws InputError naming layer and slot for ids out of range, experts without a slot, tensors
  /// that contradict each other, slots that ranks do not divide.
  ExpertMap (*read)(std::string_view text, std::string_view origin, int ranks);
};

/// Every format: `eplb-json`, `trtllm-yaml`, `sglang-json`.
std::span<const ExpertMapFormatRow> expert_map_formats();

/// EPLB's three tensors as a JSON object: `physical_to_logical_map` [layers, P],
/// `logical_to_physical_map` [layers, E, most copies] (-1 where fewer; in the order of copy
/// numbers) and `expert_count` [layers, E]; `layer_ids` where layers are not 0, 1, 2, … Reading
/// needs only the first. Source: `deepseek-ai/EPLB` eplb.py, rebalance_experts.
std::string write_eplb_json(const ExpertMap& map);
ExpertMap read_eplb_json(std::string_view text, std::string_view origin, int ranks);

/// TensorRT-LLM's `moe_load_balancer.yaml`: `initial_global_assignments`, expert of each slot by
/// layer number, `num_slots`, and `layer_updates_per_iter: 0` (a static map). Reads lists in
/// brackets, over several lines too, and with dashes. Source: `NVIDIA/TensorRT-LLM`
/// examples/ep_load_balancer.
std::string write_trtllm_yaml(const ExpertMap& map);
ExpertMap read_trtllm_yaml(std::string_view text, std::string_view origin, int ranks);

/// SGLang's `--init-expert-location FILE.json`: only `physical_to_logical_map` [model layers, P]
/// (it refuses other keys). Rows are the model's layers from 0, dense ones included: layers that
/// the map lacks get slot p = expert p mod E, as SGLang's `trivial`. Source: `sgl-project/sglang`
/// python/sglang/srt/eplb/expert_location.py.
std::string write_sglang_json(const ExpertMap& map);
ExpertMap read_sglang_json(std::string_view text, std::string_view origin, int ranks);

/// True when each number is above the one before it, and none is negative.
bool layer_numbers_rise(std::span<const int> layer_ids);

/// A layer read from a file. @param copy_number may be empty: copies are numbered by slot
/// @throws InputError naming `origin` and the layer.
PlacedLayer layer_from_file(const std::vector<std::int64_t>& slot_expert, int num_experts,
                            int ranks, std::string_view origin, int layer_id,
                            std::vector<std::int32_t> copy_number = {});

}  // namespace hotexpert
