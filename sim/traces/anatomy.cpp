#include "sim/traces/anatomy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/core/expert_placement.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/batch_walk.hpp"

namespace hotexpert {
namespace {

enum Part : std::size_t { kNoise, kStable, kDrift, kOrder };

constexpr std::array<AnatomyPart, kAnatomyParts> kParts = {
    AnatomyPart{"noise", "(E - k) / (T k): chance, also under a perfect router",
                "a larger batch; nothing else"},
    AnatomyPart{"stable", "popularity that lasts over the whole trace",
                "aux loss or bias in training; placement and replication when serving"},
    AnatomyPart{"drift", "popularity that differs between parts of the trace",
                "placement and replication, renewed as it moves"},
    AnatomyPart{"order", "steps whose tokens resemble each other: bursts of requests",
                "a larger batch or mixing requests; placement comes too late"}};

constexpr std::array kBeside = {
    AnatomyPart{"coactivation",
                "CV^2 of rank loads over that with each slot drawn on its own; above 1, experts "
                "chosen together share ranks",
                "placement: experts chosen together on different ranks"},
    AnatomyPart{"source_skew", "tokens (bytes to send) of the fullest source rank / mean",
                "even data-parallel batches; nothing in the router or the placement"}};

using Vector = std::vector<double>;

double squared_norm(const Vector& v) {
  return std::inner_product(v.begin(), v.end(), v.begin(), 0.0) / static_cast<double>(v.size());
}

Vector difference(Vector a, const Vector& b) {
  std::transform(a.begin(), a.end(), b.begin(), a.begin(), std::minus<>());
  return a;
}

Vector mean_of(std::span<const Vector> rows) {
  Vector out(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      out[i] += row[i] / static_cast<double>(rows.size());
  }
  return out;
}

/// Sum over rows of the squared distance from their mean, per expert.
double scatter(std::span<const Vector> rows, const Vector& mean) {
  double sum = 0;
  for (const auto& row : rows) sum += squared_norm(difference(row, mean));
  return sum;
}

/// Variance of the window means beyond what the steps inside windows explain: one-way random
/// effects, (MSB - MSW) / steps a window.
double drift_between_windows(std::span<const Vector> steps, std::int64_t windows) {
  const auto count = static_cast<std::size_t>(windows);
  if (count < 2 || steps.size() < 2 * count) return 0.0;
  std::vector<Vector> means;
  double within = 0;
  for (std::size_t w = 0; w < count; ++w) {
    const std::size_t begin = steps.size() * w / count;
    const auto part = steps.subspan(begin, steps.size() * (w + 1) / count - begin);
    means.push_back(mean_of(part));
    within += scatter(part, means.back());
  }
  const double mean_square_within = within / static_cast<double>(steps.size() - count);
  const double between = scatter(means, mean_of(means)) / static_cast<double>(count - 1);
  const double steps_a_window = static_cast<double>(steps.size()) / static_cast<double>(count);
  return std::max(0.0, between - mean_square_within / steps_a_window);
}

/// Deviations of one layer's loads from equal load, x - 1, for every step with load; and the mean
/// noise of a perfect router there.
struct Deviations {
  std::vector<Vector> steps;
  double noise = 0;
};

Deviations deviations_of(const LoadMatrix& loads, int layer, int slots) {
  Deviations out;
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    const auto load = loads.at(step, layer);
    const auto total =
        static_cast<double>(std::accumulate(load.begin(), load.end(), std::int64_t{0}));
    if (total == 0) continue;
    Vector x;
    for (const auto c : load) x.push_back(static_cast<double>(c) * loads.experts / total - 1.0);
    out.steps.push_back(std::move(x));
    out.noise += (loads.experts - slots) / total;
  }
  if (!out.steps.empty()) out.noise /= static_cast<double>(out.steps.size());
  return out;
}

void set_shares(LayerAnatomy& out) {
  const double sum = std::accumulate(out.cv2.begin(), out.cv2.end(), 0.0);
  for (std::size_t p = 0; p < out.cv2.size(); ++p) out.share[p] = sum > 0 ? out.cv2[p] / sum : 0.0;
}

LayerAnatomy split(const LoadMatrix& loads, int layer, int slots, std::int64_t windows) {
  LayerAnatomy out;
  const auto [steps, noise] = deviations_of(loads, layer, slots);
  if (steps.size() < 2) return out;
  const Vector overall = mean_of(steps);
  for (const auto& step : steps)
    out.mean_cv2 += squared_norm(step) / static_cast<double>(steps.size());
  const double between_steps = scatter(steps, overall) / static_cast<double>(steps.size() - 1);
  const double bias = between_steps / static_cast<double>(steps.size());
  out.cv2[kNoise] = std::min(noise, out.mean_cv2);
  out.cv2[kStable] = std::max(0.0, squared_norm(overall) - bias);
  out.cv2[kDrift] = drift_between_windows(steps, windows);
  out.cv2[kOrder] =
      std::max(0.0, out.mean_cv2 - out.cv2[kNoise] - out.cv2[kStable] - out.cv2[kDrift]);
  set_shares(out);
  return out;
}

/// How often tokens send n of their experts to a rank, in whole numbers: any order of adding is
/// the same.
struct RankCounts {
  std::int64_t tokens = 0;
  std::vector<std::int64_t> sum;      // [R] experts on the rank
  std::vector<std::int64_t> squares;  // [R]
  std::vector<std::int64_t> by_slot;  // [slots, R]
  std::vector<std::int64_t> sources;  // tokens of each source rank
};

void count_ranks(const RoutingBatch& batch, std::span<const int> rank_of, RankCounts& counts) {
  const auto slots = static_cast<std::size_t>(batch.slots);
  const std::size_t ranks = counts.sum.size();
  std::vector<std::int64_t> on_rank(ranks);
  for (std::size_t token = 0; token < static_cast<std::size_t>(batch.tokens); ++token) {
    std::fill(on_rank.begin(), on_rank.end(), 0);
    for (std::size_t s = 0; s < slots; ++s) {
      const auto id = batch.topk_ids[token * slots + s];
      if (id < 0 || id >= batch.num_experts) continue;
      const auto rank = static_cast<std::size_t>(rank_of[static_cast<std::size_t>(id)]);
      ++on_rank[rank];
      ++counts.by_slot[s * ranks + rank];
    }
    for (std::size_t r = 0; r < ranks; ++r) {
      counts.sum[r] += on_rank[r];
      counts.squares[r] += on_rank[r] * on_rank[r];
    }
    if (batch.source_rank.empty()) continue;
    const auto source = static_cast<std::size_t>(std::max(0, batch.source_rank[token]));
    if (source >= counts.sources.size()) counts.sources.resize(source + 1);
    ++counts.sources[source];
  }
  counts.tokens += batch.tokens;
}

void add(RankCounts& to, const RankCounts& from) {
  const auto add_all = [](std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
    a.resize(std::max(a.size(), b.size()));
    for (std::size_t i = 0; i < b.size(); ++i) a[i] += b[i];
  };
  to.tokens += from.tokens;
  add_all(to.sum, from.sum);
  add_all(to.squares, from.squares);
  add_all(to.by_slot, from.by_slot);
  add_all(to.sources, from.sources);
}

/// Variance of rank loads over steps of `tokens` tokens drawn one by one from the trace, and drawn
/// slot by slot; both relative to the mean rank load.
void set_coactivation(const RankCounts& counts, double tokens, LayerAnatomy& out) {
  const auto n = static_cast<double>(counts.tokens);
  const std::size_t ranks = counts.sum.size();
  const auto all =
      static_cast<double>(std::accumulate(counts.sum.begin(), counts.sum.end(), std::int64_t{0}));
  if (all == 0) return;
  double together = 0;
  double alone = 0;
  for (std::size_t r = 0; r < ranks; ++r) {
    const double mean = static_cast<double>(counts.sum[r]) / n;
    together += static_cast<double>(counts.squares[r]) / n - mean * mean;
    for (std::size_t at = r; at < counts.by_slot.size(); at += ranks) {
      const double p = static_cast<double>(counts.by_slot[at]) / n;
      alone += p * (1 - p);
    }
  }
  const double mean_rank_load = tokens * all / n / static_cast<double>(ranks);
  const double scale = tokens / static_cast<double>(ranks) / (mean_rank_load * mean_rank_load);
  out.rank_cv2 = together * scale;
  out.rank_cv2_independent = alone * scale;
  out.source_max_over_mean = max_over_mean(counts.sources);
}

void check_options(std::int64_t steps, const AnatomyOptions& options) {
  if (steps >= 2 && options.ranks >= 1 && options.windows >= 1) return;
  throw UsageError(fmt::format(
      "trace anatomy: needs at least two steps (the trace has {}; lower step.tokens), one rank "
      "and one window",
      steps));
}

std::int64_t windows_of(std::int64_t steps, const AnatomyOptions& options) {
  return steps >= 2 * options.windows ? options.windows : 1;
}

/// Means over layers; the worst source skew.
void set_overall(Anatomy& out) {
  const auto layers = static_cast<double>(out.layers.size());
  auto& overall = out.overall;
  for (const auto& part : out.layers) {
    overall.mean_cv2 += part.mean_cv2 / layers;
    for (std::size_t p = 0; p < part.cv2.size(); ++p) overall.cv2[p] += part.cv2[p] / layers;
    overall.rank_cv2 += part.rank_cv2 / layers;
    overall.rank_cv2_independent += part.rank_cv2_independent / layers;
    overall.source_max_over_mean =
        std::max(overall.source_max_over_mean, part.source_max_over_mean);
  }
  set_shares(overall);
}

}  // namespace

std::span<const AnatomyPart> anatomy_parts() { return kParts; }
std::span<const AnatomyPart> anatomy_beside() { return kBeside; }

Anatomy anatomy(const LoadMatrix& loads, int top_k, const AnatomyOptions& options) {
  check_options(loads.steps, options);
  if (top_k < 1 || top_k > loads.experts) {
    throw UsageError(fmt::format(
        "trace anatomy: counts do not say how many experts a token has, and noise is (E - k) / (T "
        "k): name k in 1 to {} with --layer.top_k",
        loads.experts));
  }
  Anatomy out;
  out.has_ids = false;
  out.steps = loads.steps;
  out.windows = windows_of(loads.steps, options);
  for (int layer = 0; layer < loads.layers; ++layer)
    out.layers.push_back(split(loads, layer, top_k, options.windows));
  set_overall(out);
  return out;
}

Anatomy anatomy(const RoutingTrace& trace, const AnatomyOptions& options) {
  const auto& info = trace.info();
  check_options(info.steps, options);
  const int ranks = std::min(options.ranks, info.num_experts);
  const auto placement = ExpertPlacement::contiguous(info.num_experts, ranks);
  std::vector<int> rank_of;
  for (const auto rank : placement.physical_to_rank()) rank_of.push_back(index(rank));
  const auto zero = [&] {
    RankCounts counts;
    counts.sum.resize(static_cast<std::size_t>(ranks));
    counts.squares.resize(counts.sum.size());
    counts.by_slot.resize(counts.sum.size() * static_cast<std::size_t>(info.slots));
    return counts;
  };
  LoadMatrix loads(info.steps, info.layers, info.num_experts);
  std::vector<RankCounts> counts(static_cast<std::size_t>(info.layers), zero());
  std::mutex mutex;
  for_each_batch(trace, options.threads, [&](const RoutingBatch& batch) {
    count_load(batch, loads.at(batch.step, batch.layer));
    RankCounts own = zero();
    count_ranks(batch, rank_of, own);
    const std::scoped_lock lock(mutex);
    add(counts[static_cast<std::size_t>(batch.layer)], own);
  });
  Anatomy out;
  out.steps = info.steps;
  out.windows = windows_of(info.steps, options);
  for (int layer = 0; layer < info.layers; ++layer) {
    auto part = split(loads, layer, info.slots, options.windows);
    const auto& of_layer = counts[static_cast<std::size_t>(layer)];
    set_coactivation(of_layer,
                     static_cast<double>(of_layer.tokens) / static_cast<double>(info.steps), part);
    out.layers.push_back(part);
  }
  set_overall(out);
  return out;
}

}  // namespace hotexpert
