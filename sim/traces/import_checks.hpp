#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

enum class Severity : std::uint8_t { kInfo, kWarning, kError };
std::string_view name(Severity severity);  ///< "info", "warning", "error"

/// One way a recording can be wrong, and how often it was.
struct ImportCheck {
  std::string name;  ///< "out_of_range", "duplicate_experts", ...
  Severity severity = Severity::kInfo;
  std::int64_t count = 0;  ///< of `unit`; 0 = the check found nothing
  std::string unit;        ///< "slots", "tokens", "layers", ...
  std::string text;        ///< a whole sentence: what was seen and what it does
};

/// What to do with tokens that name an expert out of range or twice.
enum class OnBad : std::uint8_t {
  kStrict,  ///< stop with an InputError
  kDrop,    ///< leave the whole token out, in all layers
  kKeep,    ///< keep it; plans count its slots as invalid
};
OnBad parse_on_bad(std::string_view text);  ///< "strict", "drop", "keep"; @throws UsageError

/// Every check of a token trace, also those that found nothing: one pass over the ids and weights.
/// Errors: out_of_range, duplicate_experts. Warnings: dense_layers (all ids zero), repeated_rows
/// (tokens in runs of 8 or more equal rows: warm-up), missing_tokens (without any expert),
/// weight_sum (off 1 by more than 2 %), weight_order (slots not by falling weight). Info:
/// absent_slots.
/// @param num_experts E >= 1
std::vector<ImportCheck> check_token_trace(const TraceArrays& arrays, int num_experts);

/// Every check of a counts-only trace. Warnings: uneven_layers (layers of a step whose totals
/// differ: tokens are missing), not_a_multiple (totals that k does not divide), multiplied_counts
/// (every count is a multiple of the same d >= 2, or totals are d times the expected tokens * k).
/// Info: empty_layers (dense layers stored as zeros).
/// @param top_k k, or 0 when not known   @param tokens_per_step or 0 when not known
std::vector<ImportCheck> check_load_trace(const LoadMatrix& loads, int top_k,
                                          std::int64_t tokens_per_step);

/// Layers in which some id is not zero. With k > 1 a layer of zeros names expert 0 twice in every
/// token, which no router does: it is a dense layer.
std::vector<int> layers_with_routing(const TraceArrays& arrays);

/// Applies `on_bad` to a trace that check_token_trace found errors in.
/// @return bad tokens: those left out, or those kept   @throws InputError when strict and there is
/// an error, or when no token is left
std::int64_t apply_on_bad(TraceArrays& arrays, int num_experts,
                          const std::vector<ImportCheck>& checks, OnBad on_bad);

}  // namespace hotexpert
