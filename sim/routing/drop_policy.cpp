#include "sim/routing/drop_policy.hpp"

#include <fmt/format.h>

#include "sim/base/registry.hpp"

namespace hotexpert {

DropPolicy::DropPolicy(std::string_view text)
    : row_(&find_row(kDropPolicies, "drop policy", choice_name(text))),
      choice_(NamedChoice::parse(text, row_->params, "drop policy")) {}

std::optional<std::string> DropPolicy::unsupported(const RoutingFields& fields) const {
  const auto lacks = [&](const char* what) {
    return fmt::format(
        "capacity.policy '{}' needs {}, which this routing does not hold (choose position, or a "
        "trace that has them)",
        row_->name, what);
  };
  if (row_->needs.weights && !fields.weights) return lacks("gate weights (topk_weights)");
  if (row_->needs.scores && !fields.scores) return lacks("router scores");
  if (row_->needs.request_ids && !fields.request_ids) return lacks("request ids (request_id)");
  return std::nullopt;
}

}  // namespace hotexpert
