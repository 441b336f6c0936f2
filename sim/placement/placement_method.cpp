#include "sim/placement/placement_method.hpp"

#include <array>

#include "sim/base/registry.hpp"
#include "sim/placement/methods.hpp"
#include "sim/placement/refine.hpp"

namespace hotexpert {
namespace {

constexpr std::array kMethods = {
    PlacementMethodRow{"contiguous",
                       "blocks of consecutive experts a rank; sees no load",
                       {},
                       Sees::kNothing,
                       &place_contiguous},
    PlacementMethodRow{"strided",
                       "consecutive experts on consecutive ranks; sees no load",
                       {},
                       Sees::kNothing,
                       &place_strided},
    PlacementMethodRow{
        "random", "slots drawn by the seed; sees no load", {}, Sees::kNothing, &place_random},
    PlacementMethodRow{"greedy",
                       "hottest experts replicated, heaviest replica to the rank done first",
                       {},
                       Sees::kLoad,
                       &place_greedy},
    PlacementMethodRow{"eplb",
                       "DeepSeek's EPLB: groups to nodes, copies within a node, packed onto ranks",
                       {},
                       Sees::kLoad,
                       &place_eplb},
    PlacementMethodRow{
        "refine", "eplb improved by swaps and moved copies; knows nodes, speeds, co-activation",
        kRefineParams, Sees::kLoadAndTokens, &place_refine},
};

}  // namespace

std::span<const PlacementMethodRow> placement_methods() { return kMethods; }

PlacementMethod PlacementMethod::parse(std::string_view text) {
  const auto& row = find_row(kMethods, "placement method", choice_name(text));
  return {row, NamedChoice::parse(text, row.params, "placement method")};
}

PlacedLayer PlacementMethod::place(const PlacementProblem& problem) const {
  validate(problem);
  return row_->place(problem, choice_);
}

}  // namespace hotexpert
