#include "scenarios/runner/drops_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

/// Parts of the steps that are counted apart and merged in order: a function of the trace alone, so
/// that sums of weights have the same bits on any number of threads. A part reads all layers of a
/// step before the next one: a file is passed once, from front to back.
constexpr std::int64_t kParts = 16;

/// What one part counts into.
struct PartCount {
  std::optional<DropsTable> table;
  std::optional<SpectrumTable> spectra;

  void add(const RoutingBatch& batch) {
    if (table) table->add(batch);
    if (spectra) spectra->add(batch);
  }
};

PartCount empty_count(const DropsStudy& study, const StudiedDrops& studied) {
  PartCount count;
  if (!study.query.factors.empty()) {
    count.table.emplace(study.query,
                        ExpertPlacement::contiguous(studied.scope.num_experts, study.num_ranks));
  }
  if (study.spectrum || !study.tolerances.empty()) {
    count.spectra.emplace(
        study.spectrum ? spectrum_capacities(studied.scope) : std::vector<std::int64_t>{},
        study.tolerances, study.query.group);
  }
  return count;
}

/// Adds up the parts in their order as they are done: no more than one a thread waits for another.
class PartsInOrder {
 public:
  explicit PartsInOrder(PartCount empty) : sum_(std::move(empty)) {}

  void add(std::int64_t part, PartCount count) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(part, std::move(count));
    for (; !waiting_.empty() && waiting_.begin()->first == next_; ++next_) {
      const PartCount& done = waiting_.begin()->second;
      if (sum_.table) sum_.table->merge(*done.table);
      if (sum_.spectra) sum_.spectra->merge(*done.spectra);
      waiting_.erase(waiting_.begin());
    }
  }
  PartCount& sum() { return sum_; }

 private:
  std::mutex mutex_;
  std::map<std::int64_t, PartCount> waiting_;
  std::int64_t next_ = 0;
  PartCount sum_;
};

void set_scope(const DropsStudy& study, const PointSpec& spec, StudiedDrops& studied) {
  const std::int64_t tokens = spec.trace.step_tokens;
  const std::int64_t group = study.query.group;
  studied.scope = {.tokens = group > 0 ? std::min(group, tokens) : tokens,
                   .num_experts = spec.shape.num_experts,
                   .top_k = spec.shape.top_k,
                   .num_ranks = study.num_ranks};
  const bool wants_spectra = study.spectrum || !study.tolerances.empty();
  if (wants_spectra && tokens % studied.scope.tokens != 0) {
    throw UsageError(fmt::format(
        "capacity.group: {} does not divide step.tokens {}; a spectrum needs groups of equal size",
        group, tokens));
  }
  studied.groups = tokens / studied.scope.tokens;
}

}  // namespace

StudiedDrops study_drops(const DropsStudy& study, PointSpec& spec) {
  TraceCache traces(study.threads);
  const auto trace = traces.open(spec.trace);
  resolve_shape(spec, trace->info());
  StudiedDrops studied;
  studied.trace_name = trace->info().name;
  studied.warnings = trace->info().warnings;
  if (!spec.trace.file.empty())
    studied.recording = recording_json(spec.trace, traces.recording(spec.trace));
  studied.range = batch_range(spec.trace, trace->info());
  set_scope(study, spec, studied);

  const auto& range = studied.range;
  const auto parts = std::clamp<std::int64_t>(range.steps, 1, kParts);
  PartsInOrder counted(empty_count(study, studied));
  std::atomic<std::int64_t> done{0};
  std::atomic<bool> stopped{false};
  parallel_for(parts, study.threads, [&](int worker, std::int64_t part) {
    PartCount count = empty_count(study, studied);
    BatchBuffer buffer;
    const auto end = range.steps * (part + 1) / parts;
    for (auto step = range.steps * part / parts; step < end; ++step) {
      if (study.should_stop && study.should_stop()) stopped = true;
      if (stopped) return;
      for (int layer = 0; layer < range.layers; ++layer)
        count.add(trace->read(step, range.first_layer + layer, buffer));
      done += range.layers;
      if (worker == 0 && study.on_progress) study.on_progress(done, range.count());
    }
    counted.add(part, std::move(count));
  });
  studied.stopped = stopped;
  if (studied.stopped) return studied;
  studied.table = std::move(counted.sum().table);
  studied.spectra = std::move(counted.sum().spectra);
  return studied;
}

}  // namespace hotexpert
