#include "sim/traces/import_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"
#include "sim/traces/sound_rows.hpp"
#include "sim/traces/weight_kernels.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kWarmUpRun = 8;  // equal rows in a row; text rarely repeats even twice

bool is_absent(const TraceArrays& arrays, std::int64_t id) {
  return id == kAbsent || (arrays.absent_id && id == *arrays.absent_id);
}

/// One token in one layer, decoded.
struct Row {
  std::vector<std::int64_t> ids;
  std::vector<double> weights;
};

struct Faults {
  std::int64_t out_of_range = 0;
  std::int64_t absent = 0;
  bool duplicate = false;
};

Faults faults_of(const TraceArrays& arrays, const Row& row, int num_experts) {
  Faults out;
  for (std::size_t i = 0; i < row.ids.size(); ++i) {
    const auto id = row.ids[i];
    if (is_absent(arrays, id)) {
      ++out.absent;
      continue;
    }
    out.out_of_range += id < 0 || id >= num_experts;
    out.duplicate |= std::find(row.ids.begin(), row.ids.begin() + static_cast<std::ptrdiff_t>(i),
                               id) != row.ids.begin() + static_cast<std::ptrdiff_t>(i);
  }
  return out;
}

void read_ids(const TraceArrays& arrays, std::int64_t token, int layer, Row& row) {
  const auto slots = static_cast<std::size_t>(arrays.slots());
  const std::int64_t first = (token * arrays.layers() + layer) * arrays.slots();
  row.ids.resize(slots);
  for (std::size_t s = 0; s < slots; ++s) {
    row.ids[s] = arrays.topk_ids.integer(first + static_cast<std::int64_t>(s));
  }
}

void read_row(const TraceArrays& arrays, std::int64_t token, int layer, Row& row) {
  read_ids(arrays, token, layer, row);
  const std::int64_t first = (token * arrays.layers() + layer) * arrays.slots();
  row.weights.resize(arrays.weights ? row.ids.size() : 0);
  for (std::size_t s = 0; s < row.weights.size(); ++s) {
    row.weights[s] = arrays.weights->real(first + static_cast<std::int64_t>(s));
  }
}

/// Calls visit(first, last) for every run of tokens in which something may be wrong: a slot without
/// an expert in range, or an expert twice. Most runs are sound, and seen to be at a glance.
template <class Visit>
void for_each_doubtful_run(const TraceArrays& arrays, int num_experts, Visit&& visit) {
  constexpr std::int64_t kRun = 64;  // tokens
  const SoundRows rows(arrays.slots(), num_experts, arrays.absent_id);
  const auto type = arrays.topk_ids.type;
  const auto token_bytes = static_cast<std::size_t>(arrays.layers()) *
                           static_cast<std::size_t>(arrays.slots()) * size_of(type);
  for (std::int64_t first = 0; first < arrays.tokens(); first += kRun) {
    const std::int64_t last = std::min(first + kRun, arrays.tokens());
    const std::byte* const ids =
        arrays.topk_ids.data + static_cast<std::size_t>(first) * token_bytes;
    if (!rows.all_sound(type, ids, (last - first) * arrays.layers())) visit(first, last);
  }
}

/// What is wrong with the ids of a whole trace.
struct IdFaults {
  std::int64_t out_of_range = 0;
  std::int64_t duplicates = 0;
  std::int64_t absent = 0;
  std::int64_t missing = 0;
};

IdFaults id_faults(const TraceArrays& arrays, int num_experts) {
  IdFaults out;
  Row row;
  for_each_doubtful_run(arrays, num_experts, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t token = first; token < last; ++token) {
      for (int layer = 0; layer < arrays.layers(); ++layer) {
        read_ids(arrays, token, layer, row);
        const auto faults = faults_of(arrays, row, num_experts);
        out.out_of_range += faults.out_of_range;
        out.duplicates += faults.duplicate;
        out.absent += faults.absent;
        out.missing += faults.absent == arrays.slots();
      }
    }
  });
  return out;
}

/// ", first token 1, layer 0, slot 1: expert id -2": where the first id out of range is. A second
/// look, taken only at traces that have one.
std::string first_out_of_range(const TraceArrays& arrays, int num_experts) {
  Row row;
  for (std::int64_t token = 0; token < arrays.tokens(); ++token) {
    for (int layer = 0; layer < arrays.layers(); ++layer) {
      read_ids(arrays, token, layer, row);
      for (std::size_t slot = 0; slot < row.ids.size(); ++slot) {
        const auto id = row.ids[slot];
        if (is_absent(arrays, id) || (id >= 0 && id < num_experts)) continue;
        return fmt::format(", first token {}, layer {}, slot {}: expert id {}", token, layer, slot,
                           id);
      }
    }
  }
  return "";
}

/// A row at a time, in double; a row without any expert has no weights to check.
WeightFaults weight_faults_by_row(const TraceArrays& arrays) {
  WeightFaults out;
  Row row;
  for (std::int64_t token = 0; token < arrays.tokens(); ++token) {
    for (int layer = 0; layer < arrays.layers(); ++layer) {
      read_row(arrays, token, layer, row);
      const bool empty = std::all_of(row.ids.begin(), row.ids.end(),
                                     [&](std::int64_t id) { return is_absent(arrays, id); });
      if (empty) continue;
      const double sum = std::accumulate(row.weights.begin(), row.weights.end(), 0.0);
      out.sums += !(std::abs(sum - 1.0) <= 0.02);
      out.orders += !std::is_sorted(row.weights.begin(), row.weights.end(), std::greater<>());
    }
  }
  return out;
}

/// The same, many at a time: of weights that fit float where every row names an expert.
WeightFaults weight_faults_in_blocks(const ArrayView& weights) {
  const auto& kernels = weight_kernels();
  const auto slots = static_cast<std::size_t>(weights.shape[2]);
  const auto rows = static_cast<std::size_t>(weights.elements()) / slots;
  const std::size_t block_rows = std::max<std::size_t>(1, 4096 / slots);
  std::vector<float> block(block_rows * slots + slots + 8);
  WeightFaults out;
  for (std::size_t first = 0; first < rows; first += block_rows) {
    const std::size_t count = std::min(block_rows, rows - first);
    kernels.widen[widen_row(weights.type)](weights.data + first * slots * size_of(weights.type),
                                           count * slots, block.data());
    const auto faults = kernels.faults(block.data(), count, slots);
    out.sums += faults.sums;
    out.orders += faults.orders;
  }
  return out;
}

WeightFaults weight_faults(const TraceArrays& arrays, bool every_row_has_an_expert) {
  if (!arrays.weights) return {};
  const auto& weights = *arrays.weights;
  const bool exact_as_float = !is_integer(weights.type) && weights.type != ElementType::kF64;
  return exact_as_float && every_row_has_an_expert ? weight_faults_in_blocks(weights)
                                                   : weight_faults_by_row(arrays);
}

/// Tokens with an id out of range or an expert twice, ascending.
std::vector<std::int64_t> bad_tokens(const TraceArrays& arrays, int num_experts) {
  std::vector<std::int64_t> out;
  Row row;
  for_each_doubtful_run(arrays, num_experts, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t token = first; token < last; ++token) {
      bool bad = false;
      for (int layer = 0; layer < arrays.layers() && !bad; ++layer) {
        read_ids(arrays, token, layer, row);
        const auto faults = faults_of(arrays, row, num_experts);
        bad = faults.out_of_range > 0 || faults.duplicate;
      }
      if (bad) out.push_back(token);
    }
  });
  return out;
}

bool same_row(const TraceArrays& arrays, std::int64_t token) {
  const auto bytes = static_cast<std::size_t>(arrays.layers()) *
                     static_cast<std::size_t>(arrays.slots()) * size_of(arrays.topk_ids.type);
  const std::byte* row = arrays.topk_ids.data + static_cast<std::size_t>(token) * bytes;
  return std::memcmp(row, row - bytes, bytes) == 0;
}

/// Tokens in runs of at least kWarmUpRun equal rows. A run has kWarmUpRun - 1 neighbours in a row
/// that are equal, one of which is a multiple of that many: only those are looked at first.
std::int64_t repeated_rows(const TraceArrays& arrays) {
  constexpr std::int64_t kStride = kWarmUpRun - 1;
  const std::int64_t tokens = arrays.tokens();
  std::int64_t count = 0;
  std::int64_t end = 0;  // of the last run
  for (std::int64_t token = kStride; token < tokens; token += kStride) {
    if (token < end || !same_row(arrays, token)) continue;
    std::int64_t first = token - 1;
    while (first > end && same_row(arrays, first)) --first;
    end = token + 1;
    while (end < tokens && same_row(arrays, end)) ++end;
    if (end - first >= kWarmUpRun) count += end - first;
  }
  return count;
}

ImportCheck check(std::string_view check_name, Severity severity, std::int64_t count,
                  std::string_view unit, std::string text) {
  return {std::string(check_name), severity, count, std::string(unit), std::move(text)};
}

}  // namespace

std::string_view name(Severity severity) {
  constexpr std::array kNames = {"info", "warning", "error"};
  return kNames[static_cast<std::size_t>(severity)];
}

OnBad parse_on_bad(std::string_view text) {
  constexpr std::array<std::string_view, 3> kNames = {"strict", "drop", "keep"};
  const auto* const it = std::find(kNames.begin(), kNames.end(), text);
  if (it == kNames.end()) {
    throw UsageError(unknown_name_message("--on-bad", text, {kNames.begin(), kNames.end()}));
  }
  return static_cast<OnBad>(it - kNames.begin());
}

std::vector<int> layers_with_routing(const TraceArrays& arrays) {
  std::vector<int> out;
  const std::int64_t slots = arrays.slots();
  for (int layer = 0; layer < arrays.layers(); ++layer) {
    bool routed = false;
    for (std::int64_t token = 0; token < arrays.tokens() && !routed; ++token) {
      const std::int64_t first = (token * arrays.layers() + layer) * slots;
      for (std::int64_t slot = 0; slot < slots && !routed; ++slot) {
        routed = arrays.topk_ids.integer(first + slot) != 0;
      }
    }
    if (routed) out.push_back(layer);
  }
  return out;
}

std::vector<ImportCheck> check_token_trace(const TraceArrays& arrays, int num_experts) {
  const auto [out_of_range, duplicates, absent, missing] = id_faults(arrays, num_experts);
  const auto [sums, orders] = weight_faults(arrays, missing == 0);
  const auto dense =
      arrays.layers() - static_cast<std::int64_t>(layers_with_routing(arrays).size());
  return {
      check("out_of_range", Severity::kError, out_of_range, "slots",
            fmt::format("{} slots name an expert outside 0 to {}{}.", out_of_range, num_experts - 1,
                        out_of_range > 0 ? first_out_of_range(arrays, num_experts) : "")),
      check("duplicate_experts", Severity::kError, duplicates, "tokens",
            fmt::format("{} (token, layer) pairs name an expert twice.", duplicates)),
      check("dense_layers", Severity::kWarning, dense, "layers",
            fmt::format("{} layers hold only expert 0: dense layers stored as zeros?", dense)),
      check(
          "repeated_rows", Severity::kWarning, repeated_rows(arrays), "tokens",
          fmt::format("Tokens in runs of {} or more equal rows: warm-up or padding?", kWarmUpRun)),
      check("missing_tokens", Severity::kWarning, missing, "tokens",
            fmt::format("{} (token, layer) pairs have no expert at all.", missing)),
      check("weight_sum", Severity::kWarning, sums, "tokens",
            fmt::format("{} (token, layer) pairs have gate weights that do not sum to 1.", sums)),
      check("weight_order", Severity::kWarning, orders, "tokens",
            fmt::format("{} (token, layer) pairs have slots not by falling weight.", orders)),
      check("absent_slots", Severity::kInfo, absent, "slots",
            fmt::format("{} slots are absent (-1 or the declared id): loads sum to less than T k.",
                        absent)),
  };
}

std::vector<ImportCheck> check_load_trace(const LoadMatrix& loads, int top_k,
                                          std::int64_t tokens_per_step) {
  std::int64_t uneven = 0;
  std::int64_t not_multiple = 0;
  std::int64_t empty = 0;
  std::int64_t divisor = 0;
  std::int64_t times_expected = 0;
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    std::int64_t step_total = 0;
    for (int layer = 0; layer < loads.layers; ++layer) {
      const auto load = loads.at(step, layer);
      const auto total = std::accumulate(load.begin(), load.end(), std::int64_t{0});
      for (const auto c : load) divisor = std::gcd(divisor, c);
      empty += total == 0;
      if (total == 0) continue;
      uneven += step_total != 0 && total != step_total;
      if (step_total == 0) step_total = total;
      not_multiple += top_k > 0 && total % top_k != 0;
      const std::int64_t expected = tokens_per_step * top_k;
      if (expected > 0) times_expected += total > expected && total % expected == 0;
    }
  }
  const bool multiplied = divisor >= 2 || times_expected > 0;
  return {
      check("uneven_layers", Severity::kWarning, uneven, "step-layers",
            fmt::format("{} (step, layer) pairs have a total that differs from the step's first "
                        "layer: tokens are missing.",
                        uneven)),
      check("not_a_multiple", Severity::kWarning, not_multiple, "step-layers",
            fmt::format("{} (step, layer) totals are no multiple of k = {}.", not_multiple, top_k)),
      check("multiplied_counts", Severity::kWarning,
            multiplied ? std::max<std::int64_t>(divisor, 1) : 0, "factor",
            fmt::format("Every count is a multiple of {}: counted once per data-parallel rank?",
                        divisor)),
      check("empty_layers", Severity::kInfo, empty, "step-layers",
            fmt::format("{} (step, layer) pairs have no counts: dense layers, left out of metrics.",
                        empty)),
  };
}

std::int64_t apply_on_bad(TraceArrays& arrays, int num_experts,
                          const std::vector<ImportCheck>& checks, OnBad on_bad) {
  const auto first_error = std::find_if(checks.begin(), checks.end(), [](const ImportCheck& c) {
    return c.severity == Severity::kError && c.count > 0;
  });
  if (first_error == checks.end()) return 0;
  if (on_bad == OnBad::kStrict) {
    throw InputError(fmt::format("{}: {} Use --on-bad drop to leave such tokens out, or keep.",
                                 arrays.name, first_error->text));
  }
  const auto bad = bad_tokens(arrays, num_experts);
  if (on_bad == OnBad::kDrop) {
    std::vector<std::int64_t> kept;
    auto next = bad.begin();
    for (std::int64_t token = 0; token < arrays.tokens(); ++token) {
      if (next != bad.end() && *next == token) {
        ++next;
      } else {
        kept.push_back(token);
      }
    }
    if (kept.empty()) {
      throw InputError(
          fmt::format("{}: every token is bad: {} Is the number of experts ({}) right?",
                      arrays.name, first_error->text, num_experts));
    }
    keep_tokens(arrays, kept);
  }
  return static_cast<std::int64_t>(bad.size());
}

}  // namespace hotexpert
