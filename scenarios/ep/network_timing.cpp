#include "scenarios/ep/network_timing.hpp"

#include <algorithm>
#include <array>

#include "kernels/aligned_buffer.hpp"
#include "profiler/clock.hpp"
#include "sim/base/index.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kRowBytes = 1024;
constexpr int kRepetitions = 25;
constexpr int kWarmUp = 5;
constexpr std::array<std::int64_t, 8> kRows = {1, 16, 64, 256, 512, 1024, 2048, 4096};

/// Rows from each rank to each: [R, R], nothing to oneself.
using Pattern = std::int64_t (*)(int from, int to, int ranks, std::int64_t rows);

std::int64_t alike(int from, int to, int, std::int64_t rows) { return from == to ? 0 : rows; }
std::int64_t to_first(int from, int to, int, std::int64_t rows) {
  return to == 0 && from != 0 ? rows : 0;
}
std::int64_t to_next(int from, int to, int ranks, std::int64_t rows) {
  return to == (from + 1) % ranks && from != to ? rows : 0;
}

double time_once(Communicator& ranks, const AlignedBuffer& send, AlignedBuffer& receive,
                 const RowExchange& rows) {
  SteadyClock clock;
  ranks.barrier();
  const double start = clock.now_s();
  ranks.all_to_all(send.data(), receive.data(), rows);
  const auto all = ranks.gather(std::array{clock.now_s() - start});
  return *std::max_element(all.begin(), all.end());
}

NetworkSample time_pattern(Communicator& ranks, const Pattern& pattern, std::int64_t rows) {
  NetworkSample sample;
  sample.row_bytes = static_cast<double>(kRowBytes);
  sample.traffic.ranks = ranks.size();
  RowExchange mine{kRowBytes, {}, {}};
  for (int from = 0; from < ranks.size(); ++from) {
    for (int to = 0; to < ranks.size(); ++to)
      sample.traffic.rows.push_back(pattern(from, to, ranks.size(), rows));
  }
  std::int64_t sent = 0;
  std::int64_t received = 0;
  for (int other = 0; other < ranks.size(); ++other) {
    mine.send.push_back(sample.traffic.rows[at(ranks.rank() * ranks.size() + other)]);
    mine.receive.push_back(sample.traffic.rows[at(other * ranks.size() + ranks.rank())]);
    sent += mine.send.back();
    received += mine.receive.back();
  }
  AlignedBuffer send(std::max<std::int64_t>(1, sent * kRowBytes));
  AlignedBuffer receive(std::max<std::int64_t>(1, received * kRowBytes));
  send.poison();
  std::vector<double> seconds;
  for (int i = 0; i < kWarmUp + kRepetitions; ++i) {
    const double once = time_once(ranks, send, receive, mine);
    if (i >= kWarmUp) seconds.push_back(once);
  }
  sample.seconds = median(seconds);
  return sample;
}

}  // namespace

std::vector<NetworkSample> time_exchanges(Communicator& ranks) {
  std::vector<NetworkSample> samples;
  for (const Pattern pattern : {alike, to_first, to_next}) {
    for (const std::int64_t rows : kRows) samples.push_back(time_pattern(ranks, pattern, rows));
  }
  return samples;
}

}  // namespace hotexpert
