#include "sim/routing/capacity_rule.hpp"

#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {

CapacityRule::CapacityRule(std::string_view text)
    : row_(&find_row(kCapacityRules, "capacity rule", choice_name(text))),
      choice_(NamedChoice::parse(text, row_->params, "capacity rule")) {}

std::optional<std::string> CapacityRule::unsupported(int top_k) const {
  if (row_->max_top_k == 0 || top_k <= row_->max_top_k) return std::nullopt;
  return fmt::format(
      "capacity.rule '{}' is defined for at most {} expert{} a token, the routing has {} (choose "
      "another rule, e.g. megatron)",
      row_->name, row_->max_top_k, row_->max_top_k == 1 ? "" : "s", top_k);
}

std::optional<std::int64_t> capacity_of(const CapacityRule& rule, const CapacityScope& scope,
                                        const Decimal& factor,
                                        std::optional<std::int64_t> largest_load,
                                        bool float_compat) {
  if (const auto reason = rule.unsupported(scope.top_k)) throw UsageError(*reason);
  return capacity_of(rule.formula(scope), factor, largest_load, float_compat);
}

}  // namespace hotexpert
