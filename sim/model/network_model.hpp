#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert {

/// What connects the ranks. Rates are those of one rank in one direction.
struct NetworkDescription {
  std::string name;
  std::string source;
  int ranks_per_node = 8;
  double start_s = 0;            ///< of a collective, once
  double message_s = 0;          ///< of each peer a rank exchanges rows with
  double intra_bytes_per_s = 0;  ///< between ranks of one node
  double inter_bytes_per_s = 0;  ///< into or out of the node
  /// A token crosses to a node once and is passed on inside it; else each of its rows crosses.
  bool token_once_a_node = false;
  /// The rate between nodes was neither timed nor stated: it is the one inside a node.
  bool inter_assumed = false;
};

struct NetworkPresetRow {
  std::string_view name;
  std::string_view summary;
  NetworkDescription (*make)();
};
/// Networks from stated hardware numbers: link rate times 0.8.
std::span<const NetworkPresetRow> network_presets();
/// @throws UsageError listing the presets.
NetworkDescription network_preset(std::string_view name);

/// Reads the fields by name. @throws InputError naming a missing, unknown or non-positive key.
NetworkDescription network_from_json(const Json& json, std::string_view origin);
Json to_json(const NetworkDescription& network);

/// Rows between ranks, as far as the network cares.
struct RankTraffic {
  int ranks = 1;
  std::vector<std::int64_t> rows;  ///< [R, R] from source rank to expert's rank
  /// Node-limited dispatch: [R, nodes] distinct tokens of a rank with an expert on a node. They
  /// cross between nodes once, to the rank of the same place there, which passes the rows on inside
  /// the node. Empty: every row crosses by itself.
  std::vector<std::int64_t> node_tokens;
};

/// Time of one direction of the exchange.
struct AllToAllTime {
  double seconds = 0;
  int busiest_rank = 0;    ///< the rank that ends last
  bool receiving = false;  ///< true: it waits for what comes in (incast), false: for what it sends
};

/// Law, for each rank and direction (sends, receives):
///   t = start + message_s * peers + max(intra bytes / intra rate, inter bytes / inter rate)
/// A rank's own rows do not travel. The exchange ends with the slowest rank and direction: a hot
/// rank receives more than any rank sends, which is how skew reaches the network.
/// @param row_bytes bytes of one row, > 0
/// @throws UsageError if the matrices do not match the number of ranks
AllToAllTime dispatch_time(const NetworkDescription& network, const RankTraffic& traffic,
                           double row_bytes);
/// The way back: every row returns from its expert's rank.
AllToAllTime combine_time(const NetworkDescription& network, const RankTraffic& traffic,
                          double row_bytes);

/// Bytes that rank r sends and receives in the dispatch, for conservation and reports. [R]
struct RankBytes {
  std::vector<double> intra_sent;
  std::vector<double> intra_received;
  std::vector<double> inter_sent;
  std::vector<double> inter_received;
  std::vector<int> peers;  ///< other ranks it exchanges rows with, the larger of both directions
};
RankBytes dispatch_bytes(const NetworkDescription& network, const RankTraffic& traffic,
                         double row_bytes);

/// Seconds after which each rank is done with one direction of the exchange: the later of what it
/// sends and what it receives. [R]; their maximum is dispatch_time(), or combine_time() with the
/// bytes' directions exchanged.
std::vector<double> exchange_seconds(const NetworkDescription& network, const RankBytes& bytes);

/// One timed exchange inside a node.
struct NetworkSample {
  RankTraffic traffic;
  double row_bytes = 0;
  double seconds = 0;
};

/// Samples as JSON, read back equal. @throws InputError for what is missing or of the wrong type
Json to_json(const std::vector<NetworkSample>& samples);
std::vector<NetworkSample> network_samples_from_json(const Json& json);

/// start_s, message_s and intra rate, which becomes the assumed one between nodes, from timed
/// exchanges of at most ranks_per_node ranks: seconds = start + message * (most peers) + (most
/// bytes) / rate is linear in start, message and 1 / rate, so they are fitted by non-negative least
/// squares on relative errors.
/// @throws UsageError for fewer than 3 samples, or one that spans nodes
NetworkDescription calibrate_network(NetworkDescription network,
                                     const std::vector<NetworkSample>& samples);

}  // namespace hotexpert
