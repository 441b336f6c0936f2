#include "sim/placement/eplb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/index.hpp"
#include "sim/placement/methods.hpp"
#include "sim/placement/replication.hpp"

namespace hotexpert {
namespace {

/// The hierarchical policy's shape; the global policy is one group on one node.
struct Hierarchy {
  int groups = 1;
  int nodes = 1;
  int ranks_per_node = 1;
  int slots_per_node = 0;
};

Hierarchy hierarchy_of(const PlacementTarget& target, int num_experts) {
  const int slots = target.slot_count(num_experts);
  if (slots % target.ranks != 0) {
    throw UsageError(fmt::format(
        "placement.slots: eplb gives every rank as many slots, and {} ranks do not divide {} "
        "slots; use {}",
        target.ranks, slots, slots / target.ranks * target.ranks + target.ranks));
  }
  if (!target.groups_divide_over_nodes()) return {1, 1, target.ranks, slots};
  return {target.groups, target.nodes, target.ranks_per_node(), slots / target.nodes};
}

/// Experts in the order of the nodes they are dealt to: node n owns [n E/nodes, (n+1) E/nodes).
std::vector<std::int32_t> experts_by_node(std::span<const float> load, const Hierarchy& shape) {
  const std::size_t group_size = load.size() / at(shape.groups);
  std::vector<float> group_load(at(shape.groups));
  for (std::size_t g = 0; g < group_load.size(); ++g) {
    const auto members = load.subspan(g * group_size, group_size);
    group_load[g] = std::accumulate(members.begin(), members.end(), 0.0F);
  }
  const auto packing = pack_balanced(group_load, shape.nodes);
  std::vector<std::int32_t> order(load.size());
  for (std::size_t g = 0; g < group_load.size(); ++g) {
    const std::size_t place =
        at(packing.pack[g] * (shape.groups / shape.nodes) + packing.position[g]);
    for (std::size_t i = 0; i < group_size; ++i) {
      order[place * group_size + i] = static_cast<std::int32_t>(g * group_size + i);
    }
  }
  return order;
}

/// Replicates one node's experts and packs the replicas onto its ranks.
/// @param experts the node's experts   @param first_slot the node's first slot in `out`
void fill_node(std::span<const float> load, std::span<const std::int32_t> experts,
               const Hierarchy& shape, std::size_t first_slot, EplbLayer& out) {
  std::vector<float> node_load(experts.size());
  for (std::size_t i = 0; i < experts.size(); ++i) node_load[i] = load[at(experts[i])];
  const auto replication =
      replicate_hottest(std::span<const float>(node_load), shape.slots_per_node);

  std::vector<float> replica_load(replication.slot_expert.size());
  for (std::size_t i = 0; i < replica_load.size(); ++i) {
    const std::size_t expert = at(replication.slot_expert[i]);
    replica_load[i] = node_load[expert] / static_cast<float>(replication.copies[expert]);
  }
  const auto packing = pack_balanced(replica_load, shape.ranks_per_node);

  const int slots_per_rank = shape.slots_per_node / shape.ranks_per_node;
  for (std::size_t i = 0; i < replica_load.size(); ++i) {
    const std::size_t slot =
        first_slot + at(packing.pack[i] * slots_per_rank + packing.position[i]);
    out.physical_to_logical[slot] = experts[at(replication.slot_expert[i])];
    out.copy_number[slot] = replication.copy_number[i];
  }
  for (std::size_t i = 0; i < experts.size(); ++i) {
    out.expert_count[at(experts[i])] = replication.copies[i];
  }
}

}  // namespace

Packing pack_balanced(std::span<const float> weight, int packs) {
  const std::size_t room = weight.size() / at(packs);
  Packing out;
  out.pack.resize(weight.size());
  out.position.assign(weight.size(), 0);
  if (room == 1) {
    std::iota(out.pack.begin(), out.pack.end(), 0);
    return out;
  }
  std::vector<std::int32_t> heaviest_first(weight.size());
  std::iota(heaviest_first.begin(), heaviest_first.end(), 0);
  std::stable_sort(heaviest_first.begin(), heaviest_first.end(),
                   [&](std::int32_t a, std::int32_t b) { return weight[at(a)] > weight[at(b)]; });

  struct OpenPack {
    float weight;
    std::int32_t id;
    std::int32_t items;
  };
  std::vector<OpenPack> open;  // packs with room, by rising id
  for (int p = 0; p < packs; ++p) open.push_back({0.0F, p, 0});
  for (const auto item : heaviest_first) {
    const auto lightest =
        std::min_element(open.begin(), open.end(),
                         [](const OpenPack& a, const OpenPack& b) { return a.weight < b.weight; });
    out.pack[at(item)] = lightest->id;
    out.position[at(item)] = lightest->items++;
    lightest->weight += weight[at(item)];
    if (at(lightest->items) == room) open.erase(lightest);
  }
  return out;
}

EplbLayer eplb(std::span<const double> load, const PlacementTarget& target) {
  const auto shape = hierarchy_of(target, static_cast<int>(load.size()));
  std::vector<float> rows(load.size());
  std::transform(load.begin(), load.end(), rows.begin(),
                 [](double value) { return static_cast<float>(value); });

  EplbLayer out;
  const std::size_t slots = at(shape.slots_per_node) * at(shape.nodes);
  out.physical_to_logical.resize(slots);
  out.copy_number.resize(slots);
  out.expert_count.resize(load.size());
  const auto order = experts_by_node(rows, shape);
  const std::size_t experts_per_node = load.size() / at(shape.nodes);
  for (std::size_t node = 0; node < at(shape.nodes); ++node) {
    fill_node(rows, std::span(order).subspan(node * experts_per_node, experts_per_node), shape,
              node * at(shape.slots_per_node), out);
  }
  return out;
}

std::vector<std::int32_t> logical_to_physical(std::span<const std::int32_t> physical_to_logical,
                                              std::span<const std::int32_t> copy_number,
                                              int num_experts, int copies_stride) {
  std::vector<std::int32_t> slot_of_copy(at(num_experts) * at(copies_stride), -1);
  for (std::size_t slot = 0; slot < physical_to_logical.size(); ++slot) {
    slot_of_copy[at(physical_to_logical[slot]) * at(copies_stride) + at(copy_number[slot])] =
        static_cast<std::int32_t>(slot);
  }
  return slot_of_copy;
}

PlacedLayer place_eplb(const PlacementProblem& problem, const NamedChoice& /*choice*/) {
  auto layer = eplb(problem.load, problem.target);
  std::vector<LogicalExpert> slot_expert;
  slot_expert.reserve(layer.physical_to_logical.size());
  for (const auto expert : layer.physical_to_logical) {
    slot_expert.push_back(static_cast<LogicalExpert>(expert));
  }
  ExpertPlacement placement(problem.num_experts(), problem.target.ranks, std::move(slot_expert),
                            ranks_of_slots(problem.slots(), problem.target.ranks));
  return {std::move(placement), std::move(layer.copy_number),
          problem.target.groups_divide_over_nodes()};
}

}  // namespace hotexpert
