#include "sim/model/network_model.hpp"

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/model/nonnegative_least_squares.hpp"

namespace hotexpert {
namespace {

std::size_t at(int row, int column, int columns) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) +
         static_cast<std::size_t>(column);
}

int nodes_of(const NetworkDescription& network, int ranks) {
  return (ranks + network.ranks_per_node - 1) / network.ranks_per_node;
}

void check(const NetworkDescription& network, const RankTraffic& traffic) {
  const auto ranks = static_cast<std::size_t>(traffic.ranks);
  const auto nodes = static_cast<std::size_t>(nodes_of(network, traffic.ranks));
  if (traffic.rows.size() != ranks * ranks) {
    throw UsageError("network: the row matrix has " + std::to_string(traffic.rows.size()) +
                     " entries for " + std::to_string(ranks) + " ranks");
  }
  if (!traffic.node_tokens.empty() && traffic.node_tokens.size() != ranks * nodes) {
    throw UsageError("network: node tokens need one entry a rank and node, " +
                     std::to_string(ranks * nodes) + " of them");
  }
}

/// Adds bytes from one rank to another to both ends.
void move(RankBytes& bytes, bool inside, int from, int to, double amount) {
  if (from == to) return;
  auto& sent = inside ? bytes.intra_sent : bytes.inter_sent;
  auto& received = inside ? bytes.intra_received : bytes.inter_received;
  sent[static_cast<std::size_t>(from)] += amount;
  received[static_cast<std::size_t>(to)] += amount;
}

/// The rank of `node` that takes a token of `source` in: the one of the same place, or the last.
int gateway(const NetworkDescription& network, int ranks, int source, int node) {
  const int rank = node * network.ranks_per_node + source % network.ranks_per_node;
  return std::min(rank, ranks - 1);
}

void count_peers(const RankTraffic& traffic, RankBytes& bytes) {
  for (int r = 0; r < traffic.ranks; ++r) {
    int sends = 0;
    int receives = 0;
    for (int other = 0; other < traffic.ranks; ++other) {
      if (other == r) continue;
      sends += traffic.rows[at(r, other, traffic.ranks)] > 0 ? 1 : 0;
      receives += traffic.rows[at(other, r, traffic.ranks)] > 0 ? 1 : 0;
    }
    bytes.peers[static_cast<std::size_t>(r)] = std::max(sends, receives);
  }
}

double direction_s(const NetworkDescription& network, int peers, double intra, double inter) {
  if (intra + inter <= 0) return 0;
  const double inter_s = inter > 0 ? inter / network.inter_bytes_per_s : 0;
  return network.start_s + network.message_s * peers +
         std::max(intra / network.intra_bytes_per_s, inter_s);
}

AllToAllTime slowest(const NetworkDescription& network, const RankBytes& bytes) {
  AllToAllTime time;
  for (std::size_t r = 0; r < bytes.peers.size(); ++r) {
    const double send =
        direction_s(network, bytes.peers[r], bytes.intra_sent[r], bytes.inter_sent[r]);
    const double receive =
        direction_s(network, bytes.peers[r], bytes.intra_received[r], bytes.inter_received[r]);
    if (std::max(send, receive) <= time.seconds) continue;
    time = {std::max(send, receive), static_cast<int>(r), receive >= send};
  }
  return time;
}

}  // namespace

RankBytes dispatch_bytes(const NetworkDescription& network, const RankTraffic& traffic,
                         double row_bytes) {
  check(network, traffic);
  const int ranks = traffic.ranks;
  const std::vector<double> zero(static_cast<std::size_t>(ranks));
  RankBytes bytes{zero, zero, zero, zero, std::vector<int>(static_cast<std::size_t>(ranks))};
  const bool once_a_node = !traffic.node_tokens.empty();
  const auto node = [&](int rank) { return rank / network.ranks_per_node; };
  for (int from = 0; from < ranks; ++from) {
    for (int to = 0; to < ranks; ++to) {
      const double amount = static_cast<double>(traffic.rows[at(from, to, ranks)]) * row_bytes;
      const bool inside = node(from) == node(to);
      if (inside || !once_a_node) {
        move(bytes, inside, from, to, amount);
      } else {
        move(bytes, true, gateway(network, ranks, from, node(to)), to, amount);
      }
    }
    const int nodes = nodes_of(network, ranks);
    for (int n = 0; once_a_node && n < nodes; ++n) {
      if (n == node(from)) continue;
      const double tokens = static_cast<double>(traffic.node_tokens[at(from, n, nodes)]);
      move(bytes, false, from, gateway(network, ranks, from, n), tokens * row_bytes);
    }
  }
  count_peers(traffic, bytes);
  return bytes;
}

std::vector<double> exchange_seconds(const NetworkDescription& network, const RankBytes& bytes) {
  std::vector<double> seconds;
  for (std::size_t r = 0; r < bytes.peers.size(); ++r) {
    seconds.push_back(std::max(
        direction_s(network, bytes.peers[r], bytes.intra_sent[r], bytes.inter_sent[r]),
        direction_s(network, bytes.peers[r], bytes.intra_received[r], bytes.inter_received[r])));
  }
  return seconds;
}

AllToAllTime dispatch_time(const NetworkDescription& network, const RankTraffic& traffic,
                           double row_bytes) {
  return slowest(network, dispatch_bytes(network, traffic, row_bytes));
}

AllToAllTime combine_time(const NetworkDescription& network, const RankTraffic& traffic,
                          double row_bytes) {
  RankBytes back = dispatch_bytes(network, traffic, row_bytes);
  std::swap(back.intra_sent, back.intra_received);
  std::swap(back.inter_sent, back.inter_received);
  return slowest(network, back);
}

NetworkDescription calibrate_network(NetworkDescription network,
                                     const std::vector<NetworkSample>& samples) {
  if (samples.size() < 3) {
    throw UsageError("network calibration needs at least 3 timed exchanges, got " +
                     std::to_string(samples.size()));
  }
  std::vector<double> matrix;
  const std::vector<double> target(samples.size(), 1.0);
  for (const auto& sample : samples) {
    if (sample.traffic.ranks > network.ranks_per_node) {
      throw UsageError("network calibration: an exchange of " +
                       std::to_string(sample.traffic.ranks) + " ranks spans nodes of " +
                       std::to_string(network.ranks_per_node));
    }
    const RankBytes bytes = dispatch_bytes(network, sample.traffic, sample.row_bytes);
    const double most =
        std::max(*std::max_element(bytes.intra_sent.begin(), bytes.intra_sent.end()),
                 *std::max_element(bytes.intra_received.begin(), bytes.intra_received.end()));
    const int peers = *std::max_element(bytes.peers.begin(), bytes.peers.end());
    // Divided by the measured seconds: errors count relative to them. Bytes in GB for conditioning.
    matrix.push_back(1 / sample.seconds);
    matrix.push_back(peers / sample.seconds);
    matrix.push_back(most * 1e-9 / sample.seconds);
  }
  const auto constants = nonnegative_least_squares(matrix, target, 3);
  network.start_s = constants[0];
  network.message_s = constants[1];
  if (constants[2] > 0) network.intra_bytes_per_s = 1e9 / constants[2];
  network.inter_bytes_per_s = network.intra_bytes_per_s;
  network.inter_assumed = true;
  network.source = "calibrated from " + std::to_string(samples.size()) +
                   " timed exchanges inside one node; between nodes nothing was timed";
  return network;
}

}  // namespace hotexpert
