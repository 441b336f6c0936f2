#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hotexpert {

/// Rows one rank exchanges with each of the others, in rank order and without gaps.
struct RowExchange {
  std::int64_t row_bytes = 0;         ///< the same on every rank
  std::vector<std::int64_t> send;     ///< [R] rows to each rank
  std::vector<std::int64_t> receive;  ///< [R] rows from each rank
};

/// What expert-parallel ranks need of each other. Every function is collective: all ranks call the
/// same ones in the same order. Buffers are in host memory; a device's are staged through it.
class Communicator {
 public:
  virtual ~Communicator() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  virtual void barrier() = 0;
  /// Unequal all-to-all: the i-th part of `send` goes to rank i, the i-th of `receive` comes from
  /// it.
  virtual void all_to_all(const std::byte* send, std::byte* receive, const RowExchange& rows) = 0;
  /// `mine` of every rank, in rank order, on every rank; all of one length.
  virtual std::vector<double> gather(std::span<const double> mine) = 0;
  /// Rank 0's text on every rank.
  virtual std::string broadcast(const std::string& text) = 0;
};

}  // namespace hotexpert
