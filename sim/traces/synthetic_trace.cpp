#include "sim/traces/synthetic_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/traces/distinct_sampler.hpp"
#include "sim/traces/gate_weights.hpp"
#include "sim/traces/group_limited.hpp"
#include "sim/traces/pairing.hpp"
#include "sim/traces/skew_model.hpp"
#include "sim/traces/skew_target.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kLimit = std::int64_t{1} << 31;  // steps and tokens: words of a Philox key

void validate(const SyntheticSpec& spec) {
  const auto require = [](bool holds, std::string_view key, std::int64_t value,
                          std::string_view range) {
    if (!holds) throw UsageError(fmt::format("{}: {} is not {}", key, value, range));
  };
  require(spec.num_experts >= 1 && spec.num_experts <= kMaxExperts, "layer.experts",
          spec.num_experts, fmt::format("in 1 to {}", kMaxExperts));
  require(spec.top_k >= 1 && spec.top_k <= spec.num_experts, "layer.top_k", spec.top_k,
          fmt::format("in 1 to the layer's {} experts", spec.num_experts));
  require(spec.layers >= 1, "layers", spec.layers, "at least 1");
  require(spec.tokens >= 1 && spec.tokens < kLimit, "step.tokens", spec.tokens, "in 1 to 2^31 - 1");
  require(spec.steps >= 1 && spec.steps < kLimit, "step.count", spec.steps, "in 1 to 2^31 - 1");
  require(spec.groups >= 0 && (spec.groups == 0 || spec.num_experts % spec.groups == 0),
          "router.groups", spec.groups, fmt::format("a divisor of {} experts", spec.num_experts));
  require(spec.groups == 0 || (spec.topk_groups >= 1 && spec.topk_groups <= spec.groups &&
                               spec.topk_groups * (spec.num_experts / spec.groups) >= spec.top_k),
          "router.topk_groups", spec.topk_groups,
          fmt::format("in 1 to {} with room for top-{}", spec.groups, spec.top_k));
  require(spec.threads >= 1, "threads", spec.threads, "at least 1");
}

/// Expert id of each heat position of a layer: a permutation.
std::vector<StoredExpert> shuffled_experts(const SyntheticSpec& spec, int layer) {
  std::vector<StoredExpert> ids(static_cast<std::size_t>(spec.num_experts));
  std::iota(ids.begin(), ids.end(), StoredExpert{0});
  RandomStream stream(
      {spec.seed, RandomPurpose::kShuffleExperts, 0, static_cast<std::uint32_t>(layer)}, 0);
  for (std::size_t last = ids.size() - 1; last > 0; --last) {
    std::swap(ids[last], ids[stream.below(static_cast<std::uint32_t>(last) + 1)]);
  }
  return ids;
}

/// Runs work(begin, end) on parts of [0, count), on up to `threads` threads.
template <class Work>
void in_parts(std::size_t count, int threads, const Work& work) {
  constexpr std::size_t kSmallestPart = 16384;  // tokens: a thread costs about as much as 1000
  const std::size_t parts =
      std::clamp(count / kSmallestPart, std::size_t{1}, static_cast<std::size_t>(threads));
  std::vector<std::thread> others;
  for (std::size_t part = 1; part < parts; ++part) {
    others.emplace_back(work, count * part / parts, count * (part + 1) / parts);
  }
  work(0, count / parts);
  for (auto& thread : others) thread.join();
}

class SyntheticTrace : public RoutingTrace {
 public:
  SyntheticTrace(const SyntheticSpec& spec, const NamedChoice& choice)
      : spec_(spec),
        model_(find_skew_model(choice.name())
                   .make(choice, {.num_experts = spec.num_experts,
                                  .top_k = spec.top_k,
                                  .layers = spec.layers,
                                  .steps = spec.steps,
                                  .tokens = spec.tokens,
                                  .seed = spec.seed})) {
    for (int layer = 0; layer < spec.layers; ++layer) {
      expert_of_position_.push_back(shuffled_experts(spec, layer));
    }
    info_.name = choice.to_string();
    info_.num_experts = spec.num_experts;
    info_.slots = spec.top_k;
    info_.layers = spec.layers;
    info_.steps = spec.steps;
    info_.has_weights = spec.weights;
    info_.has_scores = spec.scores;
  }

  [[nodiscard]] const TraceInfo& info() const override { return info_; }
  TraceInfo& mutable_info() { return info_; }

  RoutingBatch read(std::int64_t step, int layer, BatchBuffer& buffer) const override {
    const auto assignments = static_cast<std::size_t>(spec_.tokens * spec_.top_k);
    const auto experts = static_cast<std::size_t>(spec_.num_experts);
    buffer.topk_ids.resize(assignments);
    buffer.topk_weights.resize(spec_.weights ? assignments : 0);
    buffer.scores.resize(spec_.scores ? static_cast<std::size_t>(spec_.tokens) * experts : 0);
    const RandomKey key{spec_.seed, RandomPurpose::kRouting, static_cast<std::uint32_t>(step),
                        static_cast<std::uint32_t>(layer)};
    for (const auto& of_regime : tokens_by_regime(step, layer)) {
      const auto regime = of_regime.first;
      const Tokens& tokens = of_regime.second;
      const PopularityTable table = popularity_of(layer, regime);
      in_parts(tokens.size(), spec_.threads, [&](std::size_t begin, std::size_t end) {
        const auto part = std::span(tokens).subspan(begin, end - begin);
        draw_ids(table, key, part, buffer);
        draw_extras(table, key, part, buffer);
      });
    }
    fill_source_ranks(buffer.source_rank);
    return {.step = step,
            .layer = layer,
            .tokens = spec_.tokens,
            .slots = spec_.top_k,
            .num_experts = spec_.num_experts,
            .topk_ids = buffer.topk_ids,
            .topk_weights = buffer.topk_weights,
            .scores = buffer.scores,
            .source_rank = buffer.source_rank,
            .request_id = {}};
  }

 private:
  using Tokens = std::vector<std::uint32_t>;

  [[nodiscard]] std::map<std::int64_t, Tokens> tokens_by_regime(std::int64_t step,
                                                                int layer) const {
    std::map<std::int64_t, Tokens> out;
    std::uint32_t next = 0;
    for (const auto& run : model_->regimes(step, layer, spec_.tokens)) {
      Tokens& tokens = out[run.regime];
      for (std::int64_t i = 0; i < run.tokens; ++i) tokens.push_back(next++);
    }
    return out;
  }

  [[nodiscard]] PopularityTable popularity_of(int layer, std::int64_t regime) const {
    std::vector<double> by_position(static_cast<std::size_t>(spec_.num_experts));
    model_->fill_popularity(layer, regime, by_position);
    std::vector<double> by_expert(by_position.size());
    const auto& experts = expert_of_position_[static_cast<std::size_t>(layer)];
    for (std::size_t position = 0; position < experts.size(); ++position) {
      by_expert[static_cast<std::size_t>(experts[position])] = by_position[position];
    }
    return PopularityTable(by_expert);
  }

  void draw_ids(const PopularityTable& table, const RandomKey& key,
                std::span<const std::uint32_t> tokens, BatchBuffer& buffer) const {
    if (spec_.groups > 0) {
      draw_group_limited(table, key, tokens, {spec_.top_k, spec_.groups, spec_.topk_groups},
                         buffer.topk_ids);
    } else {
      draw_distinct(table, key, tokens, spec_.top_k, buffer.topk_ids);
    }
    if (model_->pairing() > 0) {
      pair_experts(model_->pairing(), expert_of_position_[key.layer], key, tokens, spec_.top_k,
                   buffer.topk_ids);
    }
  }

  void fill_source_ranks(std::vector<std::int32_t>& source_rank) const {
    const auto shares = model_->rank_shares();
    source_rank.clear();
    if (shares.empty()) return;
    const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
    double before = 0;
    for (std::size_t rank = 0; rank < shares.size(); ++rank) {
      before += shares[rank];
      const bool last = rank + 1 == shares.size();
      const double end = before / total * static_cast<double>(spec_.tokens);
      source_rank.resize(static_cast<std::size_t>(last ? static_cast<double>(spec_.tokens) : end),
                         static_cast<std::int32_t>(rank));
    }
  }

  void draw_extras(const PopularityTable& table, const RandomKey& key,
                   std::span<const std::uint32_t> tokens, BatchBuffer& buffer) const {
    if (spec_.weights) draw_gate_weights(key, tokens, spec_.top_k, buffer.topk_weights);
    if (!spec_.scores) return;
    const auto slots = static_cast<std::size_t>(spec_.top_k);
    const auto experts = static_cast<std::size_t>(spec_.num_experts);
    for (const auto token : tokens) {
      draw_scores(table, key, token, std::span(buffer.topk_ids).subspan(token * slots, slots),
                  std::span(buffer.scores).subspan(token * experts, experts));
    }
  }

  SyntheticSpec spec_;
  std::unique_ptr<SkewModel> model_;
  std::vector<std::vector<StoredExpert>> expert_of_position_;  // [layers][E]
  TraceInfo info_;
};

/// Moves the model's main parameter to the target, or as near as it gets.
std::unique_ptr<SyntheticTrace> make_to_target(const SyntheticSpec& spec, NamedChoice choice) {
  const auto request = TargetRequest::parse(spec.target);
  const auto& row = find_skew_model(choice.name());
  if (row.main_param.empty()) {
    throw UsageError(fmt::format(
        "skew.target: '{}' has no parameter to move (choose zipf, gaussian or hot)", row.name));
  }
  SyntheticSpec ids_only = spec;
  ids_only.weights = false;
  ids_only.scores = false;
  const auto found = search_target(request, row.even_value, row.skewed_value,
                                   [&](double value) -> std::unique_ptr<RoutingTrace> {
                                     choice.set(row.main_param, value);
                                     return std::make_unique<SyntheticTrace>(ids_only, choice);
                                   });
  choice.set(row.main_param, found.value);
  auto trace = std::make_unique<SyntheticTrace>(spec, choice);
  trace->mutable_info().target = SkewTarget{request.label(), request.wanted, found.achieved,
                                            std::string(row.main_param), found.value};
  constexpr double kTolerance = 0.02;  // relative; draws of small batches step by more than this
  if (!(std::abs(found.achieved - request.wanted) <= kTolerance * request.wanted)) {
    trace->mutable_info().warnings.push_back(fmt::format(
        "skew.target {} was not reached: {} gives {:.4g} with {} experts, top-{}, {} tokens a step "
        "(max/mean cannot exceed experts / top_k = {:.4g}, nor fall below what chance gives).",
        request.text, choice.to_string(), found.achieved, spec.num_experts, spec.top_k, spec.tokens,
        static_cast<double>(spec.num_experts) / spec.top_k));
  }
  return trace;
}

}  // namespace

std::unique_ptr<RoutingTrace> make_synthetic_trace(const SyntheticSpec& spec) {
  validate(spec);
  const auto& row = find_skew_model(spec.model);
  const auto choice = NamedChoice::parse(spec.model, row.params, "skew model");
  if (!spec.target.empty()) return make_to_target(spec, choice);
  return std::make_unique<SyntheticTrace>(spec, choice);
}

}  // namespace hotexpert
