#include "sim/model/layer_law.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kFamilies = {
    KernelFamilyRow{"grouped", KernelFamily::kGrouped,
                    "ragged groups in one launch: the sum of tiles counts"},
    KernelFamilyRow{"loop", KernelFamily::kLoop,
                    "a launch an expert: every active expert rounds up to whole waves"},
    KernelFamilyRow{"padded", KernelFamily::kPadded,
                    "every expert padded to the hottest: E * max rows, whatever the mean"},
};

/// Adds time under a cause and to the total.
void add(LayerCost& cost, double LayerCost::*phase, double LayerCost::*cause, double seconds) {
  cost.*phase += seconds;
  cost.*cause += seconds;
  cost.total_s += seconds;
}

LoadSummary one_expert(std::int64_t tokens, std::int64_t rows) {
  return summarize(tokens, std::span(&rows, 1));
}

}  // namespace

std::span<const KernelFamilyRow> kernel_families() { return kFamilies; }

std::string_view name(KernelFamily family) {
  return std::find_if(kFamilies.begin(), kFamilies.end(),
                      [&](const auto& row) { return row.family == family; })
      ->name;
}

KernelFamily kernel_family(std::string_view kernel) {
  return find_row(kFamilies, "kernel family with a cost law",
                  kernel.substr(0, kernel.find_first_of("-:")))
      .family;
}

UniformLoads::UniformLoads(const LayerShape& shape, std::int64_t local_experts,
                           std::int64_t largest_tokens) {
  for (std::int64_t tokens = 1; tokens <= std::max<std::int64_t>(1, largest_tokens); tokens *= 2) {
    buckets_.push_back(uniform_summary(shape, local_experts, tokens));
  }
}

std::size_t UniformLoads::bucket_index(std::int64_t tokens) const {
  const auto log2 =
      std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(1, tokens))) - 1;
  return std::min(static_cast<std::size_t>(log2), buckets_.size() - 1);
}

const LoadSummary& UniformLoads::bucket(std::int64_t tokens) const {
  return buckets_[bucket_index(tokens)];
}

LayerLaw::LayerLaw(const DeviceDescription& device, const LayerShape& shape, KernelFamily family,
                   std::int64_t local_experts, bool tuned,
                   std::shared_ptr<const UniformLoads> uniform)
    : device_(device),
      shape_(shape),
      family_(family),
      tuned_(tuned),
      element_bytes_(static_cast<double>(bytes_per_element(shape.dtype))),
      uniform_(std::move(uniform)) {
  const auto d_model = static_cast<double>(shape.d_model);
  const auto d_ff = static_cast<double>(shape.d_ff);
  up_ = {d_ff * (matrices_per_expert(shape.activation) - 1), d_model, element_bytes_, d_ff};
  down_ = {d_model, d_ff, element_bytes_, d_model};
  if (device_.program.tiles.empty() || !tuned_ || family_ == KernelFamily::kPadded) return;
  if (!uniform_) {
    uniform_ = std::make_shared<const UniformLoads>(
        shape, family_ == KernelFamily::kLoop ? 1 : local_experts,
        device_.program.largest_tuned_tokens);
  }
  for (const LoadSummary& load : uniform_->all()) by_bucket_.push_back(choose(load));
}

LayerLaw::Projections LayerLaw::choose(const LoadSummary& reference) const {
  const double footprint = reference.active * static_cast<double>(weight_bytes_per_expert(shape_));
  const auto up = tuned_choice(device_, shape_.dtype, up_, reference, footprint);
  const auto down = tuned_choice(device_, shape_.dtype, down_, reference, footprint);
  if (family_ == KernelFamily::kLoop) return {likeliest(up), likeliest(down)};
  return {up, down};
}

const LayerLaw::Projections& LayerLaw::choice_for(const LoadSummary& load, Projections& own) const {
  if (!by_bucket_.empty()) {
    return by_bucket_[uniform_->bucket_index(static_cast<std::int64_t>(load.tokens))];
  }
  const bool pick = tuned_ && family_ == KernelFamily::kPadded && !device_.program.tiles.empty();
  own = pick ? choose(load) : Projections{untuned_choice(), untuned_choice()};
  return own;
}

LayerCost LayerLaw::price(const LoadSummary& load) const {
  LayerCost cost;
  Projections own;
  add_surroundings(load, cost);
  add_ffn(load, choice_for(load, own), cost);
  return cost;
}

LoadSummary LayerLaw::shared_summary(const RankLoad& load) const {
  const std::vector<std::int64_t> rows(static_cast<std::size_t>(shape_.num_shared_experts),
                                       load.shared_rows);
  return summarize(load.tokens, rows);
}

LayerCost LayerLaw::price(const RankLoad& rank) const {
  const LoadSummary shared = shared_summary(rank);
  const LoadSummary load = together(summarize(rank.tokens, rank.expert_rows), shared);
  if (family_ == KernelFamily::kGrouped) return price(load);
  if (family_ == KernelFamily::kPadded) {
    std::int64_t rows_each = rank.capacity;
    for (const std::int64_t rows : rank.expert_rows) rows_each = std::max(rows_each, rows);
    return price(
        together(padded_summary(rank.tokens, static_cast<std::int64_t>(rank.expert_rows.size()),
                                rows_each, load.token_rows - shared.token_rows),
                 shared));
  }
  LayerCost cost;
  Projections own;
  const Projections& tiles = choice_for(load, own);
  add_surroundings(load, cost);
  for (const std::int64_t rows : rank.expert_rows) {
    if (rows > 0) add_ffn(one_expert(rank.tokens, rows), tiles, cost);
  }
  for (int s = 0; rank.shared_rows > 0 && s < shape_.num_shared_experts; ++s) {
    add_ffn(one_expert(rank.tokens, rank.shared_rows), tiles, cost);
  }
  return cost;
}

void LayerLaw::add_surroundings(const LoadSummary& load, LayerCost& cost) const {
  const auto& program = device_.program;
  const auto& constants = device_.constants;
  const auto d_model = static_cast<double>(shape_.d_model);
  const bool large = load.tokens >= static_cast<double>(program.large_tokens);
  const int route = (large ? program.route_launches_large : program.route_launches) +
                    (tuned_ ? 0 : program.untuned_launches);
  add(cost, &LayerCost::route_s, &LayerCost::launch_s, route * constants.launch_s);
  add(cost, &LayerCost::permute_s, &LayerCost::launch_s,
      program.permute_launches * constants.launch_s);
  add(cost, &LayerCost::combine_s, &LayerCost::launch_s,
      program.combine_launches * constants.launch_s);
  add(cost, &LayerCost::permute_s, &LayerCost::elementwise_s,
      (load.token_rows + load.rows) * d_model * element_bytes_ / constants.elementwise_bytes_per_s);
  add(cost, &LayerCost::combine_s, &LayerCost::elementwise_s,
      (load.token_rows + load.tokens) * d_model * element_bytes_ /
          constants.elementwise_bytes_per_s);
}

void LayerLaw::add_ffn(const LoadSummary& load, const Projections& tiles, LayerCost& cost) const {
  const double footprint = load.active * static_cast<double>(weight_bytes_per_expert(shape_));
  const double activation_bytes = load.rows * static_cast<double>(shape_.d_ff) *
                                  matrices_per_expert(shape_.activation) * element_bytes_;
  add(cost, &LayerCost::expert_ffn_s, &LayerCost::launch_s,
      device_.program.ffn_launches * device_.constants.launch_s);
  add(cost, &LayerCost::expert_ffn_s, &LayerCost::elementwise_s,
      activation_bytes / device_.constants.elementwise_bytes_per_s);
  add_projection(expected_matmul_time(device_, shape_.dtype, up_, load, tiles.up, footprint), cost);
  add_projection(expected_matmul_time(device_, shape_.dtype, down_, load, tiles.down, footprint),
                 cost);
}

void LayerLaw::add_projection(const MatmulTime& time, LayerCost& cost) {
  add(cost, &LayerCost::expert_ffn_s, &LayerCost::math_s, time.math_s);
  add(cost, &LayerCost::expert_ffn_s, &LayerCost::memory_s, time.memory_s);
}

}  // namespace hotexpert
