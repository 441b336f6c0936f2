#include "sim/training/method_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"
#include "sim/training/methods/fp_losses.hpp"

namespace hotexpert::training {
namespace {

constexpr std::string_view kFamily = "balancing method";

MethodChoice parse_method(std::string_view text) {
  const auto& row = find_row(balancing_methods(), kFamily, choice_name(text));
  return {&row, NamedChoice::parse(text, row.params, kFamily)};
}

/// What differs between two conventions of the f.P family even when their strengths agree.
std::string difference(const FpConvention& from, const FpConvention& to) {
  std::vector<std::string_view> parts;
  if (from.counted != to.counted) {
    parts.push_back(to.counted == CountedChoices::kFirst ? "only first choices are counted"
                                                         : "every choice is counted");
  }
  if (from.scope != to.scope) {
    parts.push_back(to.scope == LossScope::kSequence ? "each sequence is balanced on its own"
                                                     : "only the micro-batch is balanced");
  }
  if (from.global_counts != to.global_counts) {
    parts.push_back(to.global_counts ? "only the global batch is balanced"
                                     : "each micro-batch is balanced on its own");
  }
  if (from.normalized_scores != to.normalized_scores) {
    parts.push_back(to.normalized_scores ? "sigmoid scores are normalised first"
                                         : "sigmoid scores are taken as they are");
  }
  if (parts.empty()) return "Equal for equal routing.";
  return fmt::format("Equal pull at balance, but in {} {}.", to.name, fmt::join(parts, ", "));
}

}  // namespace

std::vector<MethodChoice> parse_methods(std::string_view text) {
  std::vector<MethodChoice> methods;
  for (std::string_view rest = text;;) {
    const std::size_t end = rest.find('+');
    methods.push_back(parse_method(rest.substr(0, end)));
    const auto& name = methods.back().row->name;
    const auto same = [&](const MethodChoice& method) { return method.row->name == name; };
    if (std::count_if(methods.begin(), methods.end(), same) > 1) {
      throw UsageError(fmt::format("train.method '{}': '{}' is given twice", text, name));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const auto is_none = [](const MethodChoice& method) { return method.row->name == "none"; };
  if (methods.size() > 1 && std::any_of(methods.begin(), methods.end(), is_none)) {
    throw UsageError(
        fmt::format("train.method '{}': 'none' cannot be combined; leave it out", text));
  }
  return methods;
}

std::string to_string(const std::vector<MethodChoice>& methods) {
  std::string text;
  for (const auto& method : methods) {
    text += (text.empty() ? "" : "+") + method.choice.to_string();
  }
  return text;
}

std::string describe(const std::vector<MethodChoice>& methods) {
  std::vector<std::string> clauses;
  for (const auto& method : methods) {
    const auto& row = *method.row;
    clauses.push_back(row.coefficient.empty()
                          ? fmt::format("{}: {}", method.choice.to_string(), row.summary)
                          : fmt::format("{}: {} = {} in {}", row.name, row.coefficient,
                                        shortest(method.choice.get(row.coefficient)),
                                        row.convention));
  }
  return fmt::format("{}", fmt::join(clauses, " + "));
}

bool takes_weight(std::string_view methods) {
  return !parse_methods(methods).front().row->coefficient.empty();
}

std::string with_weight(std::string_view methods, double weight) {
  auto parsed = parse_methods(methods);
  auto& first = parsed.front();
  if (first.row->coefficient.empty()) return to_string(parsed);
  const auto& spec = find_row(first.row->params, "parameter", first.row->coefficient);
  if (!(weight >= spec.min && weight <= spec.max)) {
    throw UsageError(fmt::format("train.weight: {} is outside {} to {}, the range of {} of '{}'",
                                 weight, shortest(spec.min), shortest(spec.max), spec.name,
                                 first.row->name));
  }
  first.choice.set(first.row->coefficient, weight);
  return to_string(parsed);
}

template <class Scalar>
MethodSet<Scalar> make_methods(std::string_view text, const MethodContext& context) {
  MethodSet<Scalar> set;
  for (const auto& method : parse_methods(text)) {
    MethodParts<Scalar> parts;
    if constexpr (std::is_same_v<Scalar, float>) {
      parts = method.row->make_float(method.choice, context);
    } else {
      parts = method.row->make_double(method.choice, context);
    }
    if (parts.loss) set.losses.push_back(std::move(parts.loss));
    if (parts.rule && set.rule) {
      throw UsageError(fmt::format(
          "train.method '{}': two methods decide where tokens go; keep one of bias, sinkhorn, "
          "expert-choice and quantile",
          text));
    }
    if (parts.rule) set.rule = std::move(parts.rule);
    set.noisy = set.noisy || method.row->noisy;
  }
  return set;
}

template MethodSet<float> make_methods(std::string_view, const MethodContext&);
template MethodSet<double> make_methods(std::string_view, const MethodContext&);

Translation translate_weight(std::string_view from, std::string_view to, double weight, int top_k) {
  const auto& from_row = find_row(balancing_methods(), kFamily, from);
  const auto& to_row = find_row(balancing_methods(), kFamily, to);
  const auto* from_fp = find_fp_convention(from);
  const auto* to_fp = find_fp_convention(to);
  if (from_fp != nullptr && to_fp != nullptr) {
    return {weight * balanced_value(*from_fp, top_k) / balanced_value(*to_fp, top_k),
            difference(*from_fp, *to_fp)};
  }
  if (from == to && !from_row.coefficient.empty()) return {weight, "The same convention."};
  const auto& other = to_fp == nullptr ? to_row : from_row;
  return {std::nullopt, fmt::format("No weight of {} pulls as one of {} does: {} is not a loss of "
                                    "the f.P family.",
                                    to, from, other.name)};
}

}  // namespace hotexpert::training
