#include "scenarios/runner/train_spec.hpp"

#include <fmt/format.h>

#include <set>

#include "reports/run_store.hpp"
#include "scenarios/runner/axis_values.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/training/method_set.hpp"
#include "sim/training/training_task.hpp"

namespace hotexpert {
namespace {

using training::TrainConfig;

std::int64_t integer(const AxisChoice& choice, std::string_view axis) {
  return parse_integer(choice.at(axis), axis);
}

int small_integer(const AxisChoice& choice, std::string_view axis) {
  const std::int64_t value = integer(choice, axis);
  if (value > 1'000'000) throw UsageError(fmt::format("{}: {} is above 1000000", axis, value));
  return static_cast<int>(value);
}

double decimal(const AxisChoice& choice, std::string_view axis) {
  return Decimal::parse(choice.at(axis)).to_double();
}

/// The task with the data axes written into its parameters.
std::string task_of(const AxisChoice& choice) {
  const std::string& text = choice.at("train.task");
  const auto& row = find_row(training::training_tasks(), "training task", choice_name(text));
  auto task = NamedChoice::parse(text, row.params, "training task");
  struct DataAxis {
    std::string_view axis;
    std::string_view param;
  };
  for (const auto& [axis, param] :
       {DataAxis{"train.data_skew", "exponent"}, DataAxis{"train.data_noise", "noise"}}) {
    if (choice.at(axis) == "task") continue;
    if (row.name != "clusters") {
      throw UsageError(fmt::format("{}: only the task 'clusters' has it, not '{}'; leave {} out",
                                   axis, row.name, axis));
    }
    // Parsed again as a parameter, so that its range is checked in one place.
    task.set(param, NamedChoice::parse(fmt::format("{}:{}={}", row.name, param, choice.at(axis)),
                                       row.params, "training task")
                        .get(param));
  }
  return task.to_string();
}

/// The coefficient of a combination's first method, which must have one.
double coefficient(const training::MethodChoice& first) {
  return first.choice.get(first.row->coefficient);
}

/// A method with its coefficient, and how results name the two.
struct WeightedMethod {
  std::string method;
  std::string label;
  std::string weight = "none";
};

WeightedMethod weighted_method(const AxisChoice& choice) {
  const auto parsed = training::parse_methods(choice.at("train.method"));
  const auto& row = *parsed.front().row;
  const std::string text = training::to_string(parsed);
  if (row.coefficient.empty()) return {text, text};
  const double own = coefficient(parsed.front());
  const double usual = find_row(row.params, "parameter", row.coefficient).default_value;
  const std::string& wanted = choice.at("train.weight");
  WeightedMethod out{text, training::with_weight(text, usual), shortest(own)};
  if (wanted == "default") return out;
  if (own != usual) {
    throw UsageError(
        fmt::format("train.method '{}' sets the coefficient that train.weight {} sets too; write "
                    "one of them",
                    choice.at("train.method"), wanted));
  }
  out.method = training::with_weight(text, Decimal::parse(wanted).to_double());
  out.weight = wanted;
  return out;
}

Point to_point(AxisChoice choice, const WeightedMethod& method) {
  choice["train.method"] = method.label;
  choice["train.weight"] = method.weight;
  Point point;
  for (const auto& axis : axes()) {
    const auto found = choice.find(axis.name);
    if (found == choice.end()) continue;
    const bool number = axis.name == "train.weight" && found->second != "none";
    point.emplace_back(axis.name, number ? Json(parse_double(found->second, axis.name))
                                  : axis.name == "train.weight"
                                      ? Json(found->second)
                                      : axis_value_json(axis, found->second));
  }
  return point;
}

/// Builds each different method and task once.
class Checker {
 public:
  void check(const TrainConfig& config) {
    training::validate(config);
    if (methods_.insert(fmt::format("{}/{}/{}", config.method, config.num_experts, config.top_k))
            .second) {
      training::make_methods<float>(config.method,
                                    {config.num_experts, config.top_k, config.score});
    }
    if (tasks_
            .insert(fmt::format("{}/{}/{}/{}", config.task, config.corpus, config.d_model,
                                config.sequence_tokens))
            .second) {
      training::make_training_task<float>(config);
    }
  }

 private:
  std::set<std::string> methods_;
  std::set<std::string> tasks_;
};

}  // namespace

TrainSpec make_train_spec(const AxisChoice& choice) {
  const WeightedMethod method = weighted_method(choice);
  TrainSpec spec;
  auto& config = spec.config;
  config.task = task_of(choice);
  if (choice.at("train.corpus") != "none") config.corpus = choice.at("train.corpus");
  config.method = method.method;
  config.num_experts = small_integer(choice, "train.experts");
  config.top_k = small_integer(choice, "train.top_k");
  config.d_model = small_integer(choice, "train.d_model");
  config.d_ff = small_integer(choice, "train.d_ff");
  config.activation = parse_activation(choice.at("train.activation"));
  config.score = training::parse_score_function(choice.at("train.score"));
  config.renormalize = choice.at("train.renormalize") == "yes";
  config.router_init_std = decimal(choice, "train.router_init_std");
  if (const auto& factor = choice.at("train.capacity_factor"); factor != "none") {
    config.capacity_factor = Decimal::parse(factor);
  }
  config.tokens = integer(choice, "train.tokens");
  config.micro_batches = small_integer(choice, "train.micro_batches");
  config.sequence_tokens = integer(choice, "train.sequence_tokens");
  config.steps = integer(choice, "train.steps");
  config.optimizer.kind = training::parse_optimizer(choice.at("train.optimizer"));
  config.optimizer.learning_rate = decimal(choice, "train.learning_rate");
  config.seed = static_cast<std::uint64_t>(integer(choice, "seed"));
  spec.convention = training::describe(training::parse_methods(config.method));
  spec.point = to_point(choice, method);
  return spec;
}

std::vector<TrainSpec> expand_training(const Scenario& scenario) {
  std::vector<TrainSpec> specs;
  std::set<std::string> seen;
  Checker checker;
  for (const auto& choice : scenario.expand(kTrainScopes)) {
    TrainSpec spec = make_train_spec(choice);
    if (!seen.insert(point_key(spec.point)).second) continue;
    checker.check(spec.config);
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace hotexpert
