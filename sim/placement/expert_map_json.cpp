#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/placement/eplb.hpp"
#include "sim/placement/expert_map.hpp"

namespace hotexpert {
namespace {

std::vector<std::int32_t> slot_experts(const ExpertPlacement& placement) {
  std::vector<std::int32_t> experts;
  for (const auto expert : placement.physical_to_logical()) experts.push_back(index(expert));
  return experts;
}

std::vector<std::int64_t> integers(const Json& array) {
  std::vector<std::int64_t> out;
  for (const auto& value : array.as_array()) out.push_back(value.as_integer());
  return out;
}

std::int64_t largest_id(const std::vector<std::vector<std::int64_t>>& rows,
                        std::string_view origin) {
  std::int64_t largest = -1;
  for (const auto& row : rows) {
    for (const auto id : row) largest = std::max(largest, id);
  }
  if (largest < 0 || largest >= kMaxExperts) {
    throw InputError(fmt::format("{}: physical_to_logical_map names no experts in 0 to {}", origin,
                                 kMaxExperts - 1));
  }
  return largest;
}

std::vector<std::vector<std::int64_t>> read_rows(const Json& document) {
  std::vector<std::vector<std::int64_t>> rows;
  for (const auto& row : document.at("physical_to_logical_map").as_array()) {
    rows.push_back(integers(row));
  }
  return rows;
}

/// Copy numbers of one layer's slots from logical_to_physical_map [E, most copies].
/// @throws InputError unless it names each slot once, under the slot's own expert.
std::vector<std::int32_t> copy_numbers(const Json& expert_slots,
                                       const std::vector<std::int64_t>& slot_expert,
                                       std::string_view origin, int layer_id) {
  std::vector<std::int32_t> number(slot_expert.size(), -1);
  std::size_t named = 0;
  const auto& rows = expert_slots.as_array();
  for (std::size_t expert = 0; expert < rows.size(); ++expert) {
    const auto slots = integers(rows[expert]);
    for (std::size_t copy = 0; copy < slots.size() && slots[copy] != -1; ++copy) {
      const auto slot = static_cast<std::size_t>(slots[copy]);
      if (slot >= number.size() || number[slot] != -1 ||
          slot_expert[slot] != static_cast<std::int64_t>(expert)) {
        throw InputError(
            fmt::format("{}: layer {}: logical_to_physical_map puts expert {} in slot {}, which "
                        "physical_to_logical_map does not",
                        origin, layer_id, expert, slots[copy]));
      }
      number[slot] = static_cast<std::int32_t>(copy);
      ++named;
    }
  }
  if (named != number.size()) {
    throw InputError(fmt::format("{}: layer {}: logical_to_physical_map names {} of {} slots",
                                 origin, layer_id, named, number.size()));
  }
  return number;
}

std::vector<int> read_layer_ids(const Json& document, std::size_t layers) {
  std::vector<int> ids;
  if (const auto* given = document.find("layer_ids")) {
    for (const auto id : integers(*given)) {
      ids.push_back(static_cast<int>(std::clamp<std::int64_t>(id, -1, kMaxExperts)));
    }
    return ids;
  }
  for (std::size_t layer = 0; layer < layers; ++layer) ids.push_back(static_cast<int>(layer));
  return ids;
}

}  // namespace

std::string write_eplb_json(const ExpertMap& map) {
  validate(map);
  std::size_t most_copies = 1;
  const int num_experts = map.layers.front().placement.num_experts();
  for (const auto& layer : map.layers) {
    for (int e = 0; e < num_experts; ++e) {
      most_copies =
          std::max(most_copies, layer.placement.replicas(static_cast<LogicalExpert>(e)).size());
    }
  }
  Json physical = Json::array();
  Json logical = Json::array();
  Json count = Json::array();
  for (const auto& layer : map.layers) {
    const auto experts = slot_experts(layer.placement);
    physical.push(Json::array_of(experts));
    const auto slot_of_copy =
        logical_to_physical(experts, layer.copy_number, num_experts, static_cast<int>(most_copies));
    Json by_expert = Json::array();
    Json counts = Json::array();
    for (std::size_t e = 0; e < static_cast<std::size_t>(num_experts); ++e) {
      by_expert.push(Json::array_of(std::span(slot_of_copy).subspan(e * most_copies, most_copies)));
      counts.push(static_cast<std::int64_t>(
          layer.placement.replicas(static_cast<LogicalExpert>(e)).size()));
    }
    logical.push(std::move(by_expert));
    count.push(std::move(counts));
  }
  Json document = Json::object();
  document.set("physical_to_logical_map", std::move(physical));
  document.set("logical_to_physical_map", std::move(logical));
  document.set("expert_count", std::move(count));
  for (std::size_t i = 0; i < map.layer_ids.size(); ++i) {
    if (map.layer_ids[i] == static_cast<int>(i)) continue;
    document.set("layer_ids", Json::array_of(map.layer_ids));
    break;
  }
  return document.dump() + "\n";
}

ExpertMap read_eplb_json(std::string_view text, std::string_view origin, int ranks) {
  const Json document = Json::parse(text, origin);
  const auto rows = read_rows(document);
  const auto num_experts = static_cast<int>(largest_id(rows, origin)) + 1;
  const auto* expert_slots = document.find("logical_to_physical_map");
  ExpertMap map;
  map.layer_ids = read_layer_ids(document, rows.size());
  if (map.layer_ids.size() != rows.size() ||
      (expert_slots != nullptr && expert_slots->as_array().size() != rows.size())) {
    throw InputError(
        fmt::format("{}: the tensors have different numbers of layers; physical_to_logical_map has "
                    "{}",
                    origin, rows.size()));
  }
  if (!layer_numbers_rise(map.layer_ids)) {
    throw InputError(fmt::format("{}: layer_ids do not rise from 0 or more", origin));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto copies = expert_slots == nullptr ? std::vector<std::int32_t>{}
                                          : copy_numbers(expert_slots->as_array()[i], rows[i],
                                                         origin, map.layer_ids[i]);
    map.layers.push_back(
        layer_from_file(rows[i], num_experts, ranks, origin, map.layer_ids[i], std::move(copies)));
  }
  return map;
}

std::string write_sglang_json(const ExpertMap& map) {
  validate(map);
  const auto& first = map.layers.front().placement;
  std::vector<std::int32_t> trivial;
  for (int slot = 0; slot < first.num_physical(); ++slot) {
    trivial.push_back(slot % first.num_experts());
  }
  Json rows = Json::array();
  std::int64_t next = 0;
  for (std::size_t i = 0; i < map.layers.size(); ++i, ++next) {
    for (; next < map.layer_ids[i]; ++next) rows.push(Json::array_of(trivial));
    rows.push(Json::array_of(slot_experts(map.layers[i].placement)));
  }
  Json document = Json::object();
  document.set("physical_to_logical_map", std::move(rows));
  return document.dump() + "\n";
}

ExpertMap read_sglang_json(std::string_view text, std::string_view origin, int ranks) {
  const auto rows = read_rows(Json::parse(text, origin));
  const auto num_experts = static_cast<int>(largest_id(rows, origin)) + 1;
  ExpertMap map;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    map.layer_ids.push_back(static_cast<int>(i));
    map.layers.push_back(
        layer_from_file(rows[i], num_experts, ranks, origin, map.layer_ids.back()));
  }
  return map;
}

}  // namespace hotexpert
