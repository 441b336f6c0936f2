#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/array_view.hpp"
#include "sim/traces/mapped_file.hpp"
#include "sim/traces/safetensors_file.hpp"

namespace hotexpert {

/// A recorded trace as arrays, before it is cut into steps: what trace files and importers yield.
struct TraceArrays {
  std::string name;                  ///< the file, as errors name it
  ArrayView topk_ids;                ///< [tokens, layers, k] integers
  std::optional<ArrayView> weights;  ///< [tokens, layers, k] floats
  int num_experts = 0;               ///< 0 = the recording does not say
  /// The id that means "no expert", beside -1.
  std::optional<std::int64_t> absent_id;
  std::vector<std::int64_t> step_offsets;  ///< [steps + 1] first token of each step; may be empty
  std::vector<std::int32_t> request_id;    ///< [tokens], or empty
  std::vector<std::int32_t> source_rank;   ///< [tokens], or empty
  std::string model;                       ///< "openai/gpt-oss-20b", or empty
  std::string origin;                      ///< who recorded it and how, or empty
  /// Bad tokens were kept on import: replay counts their slots as invalid instead of refusing them.
  bool keeps_bad_tokens = false;
  /// Import saw that no id is out of range of num_experts and none twice in a token: replay need
  /// not look again.
  bool every_token_is_sound = false;
  bool every_slot_is_sound = false;   ///< and no slot is absent
  std::vector<std::string> warnings;  ///< whole sentences

  [[nodiscard]] std::int64_t tokens() const { return topk_ids.shape[0]; }
  [[nodiscard]] int layers() const { return static_cast<int>(topk_ids.shape[1]); }
  [[nodiscard]] int slots() const { return static_cast<int>(topk_ids.shape[2]); }
};

/// Makes ids and weights three-dimensional and checks that everything fits together: ids are
/// integers [tokens, layers, k] or [tokens, k] (one layer), weights are floats of the same shape,
/// per-token arrays have a value a token, step_offsets rise from 0 to tokens, k <= num_experts.
/// @throws InputError naming the file and what does not fit
void check_arrays(TraceArrays& arrays);

/// The largest expert id + 1, absent ids aside; 0 when there is none. Reads every id.
std::int64_t largest_id_plus_one(const TraceArrays& arrays);

/// Keeps these tokens only, in ascending order; ids and weights become owned copies, steps lose the
/// tokens left out (and vanish when none is left).
void keep_tokens(TraceArrays& arrays, std::span<const std::int64_t> tokens);

/// Keeps the first `count` tokens; ids and weights stay where they are.
void keep_first_tokens(TraceArrays& arrays, std::int64_t count);

/// Keeps these layers only, in ascending order.
void keep_layers(TraceArrays& arrays, std::span<const int> layers);

/// Reads the ids of an .npy file, with weights as open_trace_arrays picks them.
TraceArrays npy_arrays(const std::shared_ptr<const MappedFile>& file,
                       const std::string& weights_file);

/// Reads the arrays of a .safetensors file; see open_trace_arrays.
TraceArrays safetensors_arrays(const SafetensorsFile& file, const std::string& origin);

/// Reads an .npy (ids alone) or .safetensors (tensors topk_ids, topk_weights, step_offsets,
/// request_id, source_rank; metadata num_experts, model, origin, absent_id, on_bad), decided by
/// content.
/// @param weights_file path of an .npy with the weights; "" picks the neighbour `topk_weights*.npy`
///        of a file called `topk_ids*.npy` when there is one of the same shape; "none" picks
///        nothing
/// @throws InputError
TraceArrays open_trace_arrays(const std::string& file, const std::string& weights_file = "");

}  // namespace hotexpert
