#include "sim/traces/recorded_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "sim/traces/sound_rows.hpp"
#include "sim/traces/weight_kernels.hpp"

namespace hotexpert {
namespace {

/// Any id check_batch refuses, for values that do not fit StoredExpert.
constexpr StoredExpert kOutOfRange = std::numeric_limits<StoredExpert>::min();

constexpr auto kLargestWeight = static_cast<double>(std::numeric_limits<float>::max());

/// A random order of `count` tokens.
std::vector<std::uint32_t> shuffled_tokens(std::int64_t count, std::uint64_t seed,
                                           const std::string& file) {
  if (count > std::numeric_limits<std::uint32_t>::max()) {
    throw InputError(fmt::format("{}: {} tokens are too many to shuffle", file, count));
  }
  std::vector<std::uint32_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0U);
  RandomStream stream({.seed = seed, .purpose = RandomPurpose::kShuffleTokens}, 0);
  for (std::size_t last = order.size() - 1; last > 0; --last) {
    std::swap(order[last], order[stream.below(static_cast<std::uint32_t>(last) + 1)]);
  }
  return order;
}

/// First token of each step, and one past the last, in whole steps.
std::vector<std::int64_t> cut_into_steps(const TraceArrays& arrays, std::int64_t tokens_per_step,
                                         std::vector<std::string>& warnings) {
  if (tokens_per_step == 0) {
    return arrays.step_offsets.empty() ? std::vector<std::int64_t>{0, arrays.tokens()}
                                       : arrays.step_offsets;
  }
  const std::int64_t steps = arrays.tokens() / tokens_per_step;
  if (steps == 0) {
    throw InputError(
        fmt::format("{}: holds {} tokens, fewer than one step of {}; lower step.tokens",
                    arrays.name, arrays.tokens(), tokens_per_step));
  }
  const std::int64_t left_out = arrays.tokens() - steps * tokens_per_step;
  if (left_out > 0) {
    warnings.push_back(
        fmt::format("The last {} of {} tokens were left out: they fill no step of {}.", left_out,
                    arrays.tokens(), tokens_per_step));
  }
  std::vector<std::int64_t> offsets;
  for (std::int64_t step = 0; step <= steps; ++step) offsets.push_back(step * tokens_per_step);
  return offsets;
}

class RecordedTrace : public RoutingTrace {
 public:
  RecordedTrace(TraceArrays arrays, const RecordedSpec& spec) : arrays_(std::move(arrays)) {
    info_.name = std::filesystem::path(arrays_.name).filename().string();
    info_.slots = arrays_.slots();
    info_.layers = arrays_.layers();
    info_.has_weights = arrays_.weights.has_value();
    info_.warnings = arrays_.warnings;
    info_.num_experts = experts(spec.num_experts);
    sound_rows_.emplace(info_.slots, info_.num_experts, std::nullopt);
    step_offsets_ = cut_into_steps(arrays_, spec.tokens_per_step, info_.warnings);
    info_.steps = static_cast<std::int64_t>(step_offsets_.size()) - 1;
    if (spec.shuffled) order_ = shuffled_tokens(arrays_.tokens(), spec.seed, arrays_.name);
  }

  [[nodiscard]] const TraceInfo& info() const override { return info_; }

  RoutingBatch read(std::int64_t step, int layer, BatchBuffer& buffer) const override {
    const std::int64_t first = step_offsets_[static_cast<std::size_t>(step)];
    RoutingBatch batch;
    batch.step = step;
    batch.layer = layer;
    batch.tokens = step_offsets_[static_cast<std::size_t>(step) + 1] - first;
    batch.slots = info_.slots;
    batch.num_experts = info_.num_experts;
    read_ids(first, batch.tokens, layer, buffer);
    batch.topk_ids = buffer.topk_ids;
    if (!arrays_.keeps_bad_tokens && !arrays_.every_token_is_sound) check(batch, first);
    if (arrays_.weights) read_weights(first, batch.tokens, layer, buffer);
    batch.topk_weights =
        std::span(buffer.topk_weights).first(arrays_.weights ? batch.topk_ids.size() : 0);
    batch.request_id = per_token(arrays_.request_id, first, batch.tokens, buffer.request_id);
    batch.source_rank = per_token(arrays_.source_rank, first, batch.tokens, buffer.source_rank);
    return batch;
  }

 private:
  int experts(int wanted) {
    if (wanted > 0 && arrays_.num_experts > 0 && wanted != arrays_.num_experts) {
      throw InputError(fmt::format("{}: was recorded with {} experts, not {}", arrays_.name,
                                   arrays_.num_experts, wanted));
    }
    if (wanted == 0) wanted = arrays_.num_experts;
    if (wanted == 0) {
      const std::int64_t counted = std::max<std::int64_t>(largest_id_plus_one(arrays_), 1);
      if (counted > kMaxExperts) {
        throw InputError(
            fmt::format("{}: expert ids reach {} or more; at most {} experts are known",
                        arrays_.name, counted - 1, kMaxExperts));
      }
      wanted = std::max(static_cast<int>(counted), arrays_.slots());
      info_.warnings.push_back(fmt::format(
          "The file does not say how many experts there are: taken as {}, the largest id + 1.",
          wanted));
    }
    if (arrays_.slots() > wanted) {
      throw InputError(fmt::format("{}: {} slots a token, but only {} experts", arrays_.name,
                                   arrays_.slots(), wanted));
    }
    return wanted;
  }

  [[nodiscard]] std::int64_t file_row(std::int64_t token) const {
    return order_.empty() ? token : std::int64_t{order_[static_cast<std::size_t>(token)]};
  }
  [[nodiscard]] std::int64_t first_element(std::int64_t token, int layer) const {
    return (file_row(token) * info_.layers + layer) * info_.slots;
  }

  void read_ids(std::int64_t first, std::int64_t tokens, int layer, BatchBuffer& buffer) const {
    const std::int64_t slots = info_.slots;
    buffer.topk_ids.resize(static_cast<std::size_t>(tokens * slots));
    with_integer_type(arrays_.topk_ids.type, [&](auto element) {
      using T = decltype(element);
      auto* out = buffer.topk_ids.data();
      if constexpr (sizeof(T) == 1) {
        if (!arrays_.absent_id && widen_rows<T>(first, tokens, layer, out)) return;
      }
      for (std::int64_t token = first; token < first + tokens; ++token) {
        const std::int64_t start = first_element(token, layer);
        for (std::int64_t slot = 0; slot < slots; ++slot) {
          const T id = load_element<T>(arrays_.topk_ids.data, start + slot);
          *out++ = stored(id);
        }
      }
    });
  }

  /// One-byte ids, all of which fit StoredExpert, for the usual numbers of slots: a row of known
  /// length is widened at once, twice as fast as slot by slot.   @return false for other numbers
  template <class T>
  bool widen_rows(std::int64_t first, std::int64_t tokens, int layer, StoredExpert* out) const {
    const auto rows = [&]<int slots>(std::integral_constant<int, slots>) {
      for (std::int64_t token = first; token < first + tokens; ++token, out += slots) {
        std::array<T, static_cast<std::size_t>(slots)> row;
        std::memcpy(row.data(), arrays_.topk_ids.data + first_element(token, layer), row.size());
        for (int slot = 0; slot < slots; ++slot)
          out[slot] = static_cast<StoredExpert>(row[static_cast<std::size_t>(slot)]);
      }
      return true;
    };
    switch (info_.slots) {
      case 1:
        return rows(std::integral_constant<int, 1>{});
      case 2:
        return rows(std::integral_constant<int, 2>{});
      case 4:
        return rows(std::integral_constant<int, 4>{});
      case 6:
        return rows(std::integral_constant<int, 6>{});
      case 8:
        return rows(std::integral_constant<int, 8>{});
      default:
        return false;
    }
  }

  template <class T>
  [[nodiscard]] StoredExpert stored(T id) const {
    if (arrays_.absent_id && std::cmp_equal(id, *arrays_.absent_id)) return kAbsent;
    return std::in_range<StoredExpert>(id) ? static_cast<StoredExpert>(id) : kOutOfRange;
  }

  void check(const RoutingBatch& batch, std::int64_t first) const {
    const auto ids = std::as_bytes(batch.topk_ids);
    if (sound_rows_->all_sound(element_type_of<StoredExpert>(), ids.data(), batch.tokens)) return;
    const auto faults = check_batch(batch);
    if (faults.first_bad_token < 0) return;
    const std::int64_t token = first + faults.first_bad_token;
    const std::int64_t start = first_element(token, batch.layer);
    for (std::int64_t slot = 0; slot < info_.slots; ++slot) {
      const auto id = arrays_.topk_ids.integer(start + slot);
      const bool absent = id == kAbsent || (arrays_.absent_id && id == *arrays_.absent_id);
      if (absent || (id >= 0 && id < info_.num_experts)) continue;
      throw InputError(
          fmt::format("{}: token {}, layer {}, slot {}: expert id {} is not in 0 to {}",
                      arrays_.name, file_row(token), batch.layer, slot, id, info_.num_experts - 1));
    }
    throw InputError(fmt::format("{}: token {}, layer {} names an expert twice", arrays_.name,
                                 file_row(token), batch.layer));
  }

  void read_weights(std::int64_t first, std::int64_t tokens, int layer, BatchBuffer& buffer) const {
    const auto slots = static_cast<std::size_t>(info_.slots);
    const auto& weights = *arrays_.weights;
    const auto widen = weight_kernels().widen[widen_row(weights.type)];
    const std::size_t row_bytes = slots * size_of(weights.type);
    const auto row_of = [&](std::int64_t token) {
      return weights.data +
             static_cast<std::size_t>(first_element(token, layer)) * size_of(weights.type);
    };
    buffer.topk_weights.resize(static_cast<std::size_t>(tokens) * slots);
    float* out = buffer.topk_weights.data();
    // Rows are brought together, so that long runs of weights are widened at once.
    std::array<std::byte, 8192> rows;
    const auto at_once = static_cast<std::int64_t>(rows.size() / row_bytes);
    const std::int64_t end = first + tokens;
    for (std::int64_t token = first; token < end;) {
      const std::int64_t count = std::clamp<std::int64_t>(at_once, 1, end - token);
      if (at_once > 0) gather(token, count, layer, row_bytes, rows.data());
      const std::byte* const from = at_once > 0 ? rows.data() : row_of(token);
      const auto elements = static_cast<std::size_t>(count) * slots;
      if (!widen(from, elements, out)) refuse_weight(token, count, layer);
      token += count;
      out += elements;
    }
  }

  /// Copies rows of weights together; those of the usual lengths by a move of known length.
  void gather(std::int64_t first, std::int64_t tokens, int layer, std::size_t row_bytes,
              std::byte* to) const {
    const std::byte* const weights = arrays_.weights->data;
    const std::size_t element = size_of(arrays_.weights->type);
    const auto copy = [&](auto bytes) {
      for (std::int64_t token = first; token < first + tokens; ++token, to += bytes)
        std::memcpy(to, weights + static_cast<std::size_t>(first_element(token, layer)) * element,
                    bytes);
    };
    switch (row_bytes) {
      case 8:
        return copy(std::integral_constant<std::size_t, 8>{});
      case 12:
        return copy(std::integral_constant<std::size_t, 12>{});
      case 16:
        return copy(std::integral_constant<std::size_t, 16>{});
      case 32:
        return copy(std::integral_constant<std::size_t, 32>{});
      default:
        return copy(row_bytes);
    }
  }

  /// Names the first weight of a batch that is none.
  void refuse_weight(std::int64_t first, std::int64_t tokens, int layer) const {
    for (std::int64_t token = first; token < first + tokens; ++token) {
      for (std::int64_t slot = 0; slot < info_.slots; ++slot) {
        const double weight = arrays_.weights->real(first_element(token, layer) + slot);
        if (weight >= 0 && weight <= kLargestWeight) continue;
        throw InputError(
            fmt::format("{}: token {}, layer {}, slot {}: gate weight {} is not a number >= 0",
                        arrays_.name, file_row(token), layer, slot, weight));
      }
    }
  }

  /// The values of a step's tokens: in place in recorded order, else gathered into `buffer`.
  std::span<const std::int32_t> per_token(const std::vector<std::int32_t>& values,
                                          std::int64_t first, std::int64_t tokens,
                                          std::vector<std::int32_t>& buffer) const {
    if (values.empty()) return {};
    const auto begin = static_cast<std::size_t>(first);
    const auto count = static_cast<std::size_t>(tokens);
    if (order_.empty()) return std::span(values).subspan(begin, count);
    buffer.resize(count);
    for (std::size_t i = 0; i < count; ++i) buffer[i] = values[order_[begin + i]];
    return buffer;
  }

  TraceArrays arrays_;
  TraceInfo info_;
  std::optional<SoundRows> sound_rows_;
  std::vector<std::int64_t> step_offsets_;  // [steps + 1]
  std::vector<std::uint32_t> order_;        // [tokens] file row of each token; empty = recorded
};

}  // namespace

std::unique_ptr<RoutingTrace> make_recorded_trace(TraceArrays arrays, const RecordedSpec& spec) {
  if (spec.tokens_per_step < 0) {
    throw UsageError(fmt::format("step.tokens: {} is not at least 1", spec.tokens_per_step));
  }
  check_arrays(arrays);
  return std::make_unique<RecordedTrace>(std::move(arrays), spec);
}

std::unique_ptr<RoutingTrace> open_recorded_trace(const RecordedSpec& spec) {
  return make_recorded_trace(open_trace_arrays(spec.file, spec.weights_file), spec);
}

}  // namespace hotexpert
