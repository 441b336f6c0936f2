#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/place_loads.hpp"
#include "scenarios/cli/place_memory.hpp"
#include "scenarios/cli/place_verdict.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/output_file.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/placement/expert_map.hpp"
#include "sim/placement/placement_method.hpp"
#include "sim/placement/placement_score.hpp"
#include "sim/placement/rank_speeds.hpp"

namespace hotexpert {
namespace {

constexpr int kDefaultRanks = 8;

int whole(const Arguments& arguments, std::string_view option, int fallback) {
  if (!arguments.has(option)) return fallback;
  const auto value = parse_integer(arguments.get(option), option);
  if (value < 0 || value > kMaxExperts) {
    throw UsageError(fmt::format("{}: {} is outside 0 to {}", option, value, kMaxExperts));
  }
  return static_cast<int>(value);
}

PlacementTarget target_from(const Arguments& arguments) {
  PlacementTarget target;
  target.ranks = whole(arguments, "ep.ranks", kDefaultRanks);
  target.nodes = whole(arguments, "ep.nodes", 1);
  target.groups = whole(arguments, "placement.groups", 1);
  target.slots = whole(arguments, "placement.slots", 0);
  target.rank_speed = parse_rank_speeds(arguments.get("ep.speeds"), target.ranks);
  return target;
}

const ExpertMapFormatRow& map_format(const Arguments& arguments, std::string_view path) {
  const bool yaml = path.size() > 5 && path.substr(path.size() - 5) == ".yaml";
  const std::string name = arguments.get("map-format", yaml ? "trtllm-yaml" : "eplb-json");
  return find_row(expert_map_formats(), "expert map format", name);
}

ExpertMap read_map(const Arguments& arguments, const PlaceLoads& loads, int ranks) {
  const std::string path = arguments.get("read-map");
  auto map = map_format(arguments, path).read(read_whole_file(path), path, ranks);
  const int experts = map.layers.front().placement.num_experts();
  if (map.layers.size() != loads.by_layer.size() ||
      static_cast<std::size_t>(experts) != loads.by_layer.front().size()) {
    throw InputError(fmt::format("{}: {} layers of {} experts for loads of {} layers of {}", path,
                                 map.layers.size(), experts, loads.by_layer.size(),
                                 loads.by_layer.front().size()));
  }
  return map;
}

void write_map(const Arguments& arguments, const ExpertMap& map) {
  const std::string path = arguments.get("write-map");
  write_file(system_files(), path, map_format(arguments, path).write(map));
  note(fmt::format("wrote {} layers to {}", map.layers.size(), path));
}

/// Places every layer. @param seconds of the planning alone, one thread
ExpertMap plan(const Arguments& arguments, const PlaceLoads& loads, const PlacementTarget& target,
               double& seconds) {
  const auto method = PlacementMethod::parse(arguments.get("placement.method", "eplb"));
  const auto seed = arguments.has("seed") ? parse_integer(arguments.get("seed"), "seed") : 1;
  const int first_layer = whole(arguments, "first-layer", 0);
  ExpertMap map;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t layer = 0; layer < loads.by_layer.size(); ++layer) {
    map.layers.push_back(method.place({.load = loads.by_layer[layer],
                                       .target = target,
                                       .seed = static_cast<std::uint64_t>(seed),
                                       .layer = static_cast<std::uint32_t>(layer)}));
    map.layer_ids.push_back(first_layer + static_cast<int>(layer));
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  seconds = elapsed.count();
  return map;
}

Json slots_of_experts(const PlacedLayer& layer) {
  Json experts = Json::array();
  for (int e = 0; e < layer.placement.num_experts(); ++e) {
    const auto slots = layer.placement.replicas(static_cast<LogicalExpert>(e));
    std::vector<std::int32_t> by_copy(slots.size());
    for (const auto slot : slots) {
      const auto copy = layer.copy_number[static_cast<std::size_t>(index(slot))];
      by_copy[static_cast<std::size_t>(copy)] = index(slot);
    }
    experts.push(Json::array_of(by_copy));
  }
  return experts;
}

Json to_row(int layer_id, const PlacedLayer& layer, const std::vector<double>& load,
            const PlacementTarget& target) {
  const auto score = score_placement(layer.placement, load, target);
  const auto certificate = certify(layer, load, target);
  Json slot_expert = Json::array();
  for (const auto expert : layer.placement.physical_to_logical()) slot_expert.push(index(expert));
  Json count = Json::array();
  for (int e = 0; e < layer.placement.num_experts(); ++e) {
    count.push(
        static_cast<std::int64_t>(layer.placement.replicas(static_cast<LogicalExpert>(e)).size()));
  }
  return Json::object()
      .set("layer", layer_id)
      .set("rank.max_over_mean", score.max_over_mean)
      .set("place.lower_bound_ratio", certificate.ratio)
      .set("lower_bound", certificate.lower_bound)
      .set("lower_bound_any", certificate.lower_bound_any)
      .set("slowest_rank", score.slowest_rank)
      .set("cross_node_rows", score.cross_node_rows)
      .set("physical_to_logical", std::move(slot_expert))
      .set("logical_to_physical", slots_of_experts(layer))
      .set("expert_count", std::move(count))
      .set("rank_load", Json::array_of(score.rank_load));
}

void note_summary(const CommandTable& table, double seconds) {
  double max_over_mean = 0;
  double ratio = 0;
  for (const auto& row : table.rows) {
    max_over_mean += row.at("rank.max_over_mean").as_double();
    ratio = std::max(ratio, row.at("place.lower_bound_ratio").as_double());
  }
  note(fmt::format(
      "{} layers in {}: max/mean rank load {:.4f} on average, at most {:.4f} times a proven lower "
      "bound",
      table.rows.size(), duration_text(seconds),
      max_over_mean / static_cast<double>(table.rows.size()), ratio));
}

}  // namespace

CommandSyntax place_syntax() {
  CommandSyntax syntax{
      "LOADS",
      1,
      1,
      {{"placement.method", "NAME", "how to place (hotexpert list placement-methods) [eplb]"},
       {"placement.slots", "N", "slots over all ranks; beyond the experts they hold copies [E]"},
       {"placement.groups", "N", "router groups, which stay on a node where nodes divide them [1]"},
       {"ep.ranks", "N", "ranks that share the slots [8]"},
       {"ep.nodes", "N", "nodes that the ranks are on [1]"},
       {"ep.speeds", "FACTORS", "speed of each rank, as 1,1,0.8, or of some: 2=0.8 [all 1]"},
       {"seed", "N", "seed of the methods that draw [1]"},
       {"read-map", "FILE", "score this expert map on the loads instead of placing"},
       {"write-map", "FILE", "write the placement as an expert map"},
       {"map-format", "NAME",
        "of both (hotexpert list expert-map-formats) [.yaml: trtllm-yaml, else eplb-json]"},
       {"first-layer", "N", "the model's number of the first layer, for written maps [0]"}},
      {},
      {{"LOADS",
        "loads of experts, {\"logical_count\": [layers][experts]}, or a recording of routing "
        "(hotexpert list importers)"}}};
  for (const auto& options :
       {place_load_options(), place_memory_options(), place_verdict_options(), table_options()}) {
    syntax.options.insert(syntax.options.end(), options.begin(), options.end());
  }
  return syntax;
}

int place_run(const Arguments& arguments) {
  const auto loads = read_place_loads(arguments.positional.front(), arguments);
  auto target = target_from(arguments);
  if (arguments.has("verdict")) {
    print_verdict(loads, target, arguments);
    return 0;
  }
  if (arguments.has("output")) {
    throw UsageError(
        "--output writes what --verdict found; a placement alone is written by --write-map");
  }
  CommandTable table;
  table.columns = {"layer", "rank.max_over_mean", "place.lower_bound_ratio", "slowest_rank",
                   "cross_node_rows"};
  double seconds = 0;
  const bool given = arguments.has("read-map");
  const auto map =
      given ? read_map(arguments, loads, target.ranks) : plan(arguments, loads, target, seconds);
  target.slots = map.layers.front().placement.num_physical();
  for (std::size_t layer = 0; layer < map.layers.size(); ++layer) {
    validate({.load = loads.by_layer[layer], .target = target});
    table.rows.push_back(
        to_row(map.layer_ids[layer], map.layers[layer], loads.by_layer[layer], target));
  }
  table.extra = {{"placement.method", given ? "map" : arguments.get("placement.method", "eplb")},
                 {"placement.slots", target.slots},
                 {"placement.groups", target.groups},
                 {"ep.nodes", target.nodes},
                 {"ep.ranks", target.ranks},
                 {"seconds", seconds},
                 {"provenance", "counted"}};
  if (arguments.has("memory") || arguments.has("memory.limit_gib"))
    table.extra.emplace_back("memory", forecast_memory(loads, map.layers, arguments));
  if (arguments.has("write-map")) write_map(arguments, map);
  print_table(table, arguments);
  note_summary(table, seconds);
  return 0;
}

}  // namespace hotexpert
