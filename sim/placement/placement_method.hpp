#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sim/base/params.hpp"
#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// What a method looks at before it places.
enum class Sees : std::uint8_t {
  kNothing,        ///< experts and ranks only
  kLoad,           ///< rows of each expert
  kLoadAndTokens,  ///< and which experts tokens choose together
};

/// A placement method as `hotexpert list placement` shows it.
struct PlacementMethodRow {
  std::string_view name;
  std::string_view summary;
  std::span<const ParamSpec> params;
  Sees sees;
  PlacedLayer (*place)(const PlacementProblem& problem, const NamedChoice& choice);
};

/// Every placement method: one file and one row each.
std::span<const PlacementMethodRow> placement_methods();

/// A method with its parameters, ready to place layer after layer.
class PlacementMethod {
 public:
  /// @param text as written: "eplb", "refine:span=yes"
  /// @throws UsageError for an unknown method or parameter, listing the known ones.
  static PlacementMethod parse(std::string_view text);

  /// Places one layer. Deterministic: equal problems give equal placements on every machine.
  /// @throws UsageError or InputError for a problem that validate() refuses or this method cannot
  /// place.
  [[nodiscard]] PlacedLayer place(const PlacementProblem& problem) const;
  [[nodiscard]] Sees sees() const { return row_->sees; }
  [[nodiscard]] std::string to_string() const { return choice_.to_string(); }

 private:
  PlacementMethod(const PlacementMethodRow& row, NamedChoice choice)
      : row_(&row), choice_(std::move(choice)) {}

  const PlacementMethodRow* row_;
  NamedChoice choice_;
};

}  // namespace hotexpert
