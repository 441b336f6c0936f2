#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// One published measurement of a MoE layer on one device, as in the systems data of
/// ai-dynamo/aiconfigurator: latency of the most loaded expert-parallel rank.
struct PublishedRow {
  std::string model;  ///< name of the shape; "d_modelxd_ff-Eexperts-kk" where absent
  LayerShape shape;   ///< widths of one rank: d_ff already divided by the tensor-parallel size
  std::int64_t num_tokens = 0;  ///< T, all ranks together; every rank receives all of them
  int tensor_parallel = 1;
  int expert_parallel = 1;
  std::string distribution;  ///< "balanced" or "power_law_ALPHA"
  double alpha = 0;          ///< 0 for balanced
  double latency_s = 0;
  [[nodiscard]] int local_experts() const { return shape.num_experts / expert_parallel; }
};

/// Reads a CSV with a header line and the columns num_tokens, hidden_size, inter_size, topk,
/// num_experts, moe_tp_size, moe_ep_size, distribution, latency (ms); model_shape is optional,
/// others are ignored. Rows of another moe_dtype than bfloat16 are refused.
/// @throws InputError naming file, line and column.
std::vector<PublishedRow> read_published_csv(const std::string& path);
std::vector<PublishedRow> parse_published_csv(std::string_view text, std::string_view origin);

/// Rows whose latency exceeds twice that of some row of the same series (shape, ranks and
/// distribution) with more tokens: failed tunings and runs without a graph. [rows]
std::vector<bool> find_anomalies(const std::vector<PublishedRow>& rows);

/// For each row the first balanced row of the same shape, ranks and tokens; itself where it is that
/// row, nullopt where there is none. [rows]
std::vector<std::optional<std::size_t>> balanced_controls(const std::vector<PublishedRow>& rows);

/// True where the collector's tuner cannot have found its cache, so that the kernel's first tile
/// ran. It looks its file up by a name that ends in the rank's number of experts, and takes the
/// first file whose name begins so: a rank of 1 expert finds the file of 16 or 128, whose entries
/// it cannot use. The rule: the decimal of E / ranks begins the decimal of E / r for another power
/// of two r <= 256.
bool tuner_cache_is_shadowed(int num_experts, int expert_parallel);

}  // namespace hotexpert
