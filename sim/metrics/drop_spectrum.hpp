#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/decimal.hpp"
#include "sim/metrics/value_counts.hpp"
#include "sim/metrics/whole_counts.hpp"

namespace hotexpert {

/// Dropped assignments at every capacity, sum_i max(0, load_i - C), from one pass over the loads:
/// which assignments go depends on the drop policy, how many only on the loads. Non-increasing and
/// convex in C. The loads are those of all bins that have the same capacity: experts of a step, or
/// of all its groups, or ranks.
class DropSpectrum {
 public:
  /// Replaces the loads; keeps the memory. O(E log E).   @param loads each >= 0
  void assign(std::span<const std::int64_t> loads);

  [[nodiscard]] std::int64_t total() const { return total_; }  ///< assignments
  [[nodiscard]] std::int64_t largest_load() const;  ///< the smallest capacity without drops
  /// Assignments dropped at `capacity` >= 0. O(log E).
  [[nodiscard]] std::int64_t dropped(std::int64_t capacity) const;
  /// dropped(C) for each C of `capacities`, which rise. O(E + capacities).   @param out as many
  void dropped_at(std::span<const std::int64_t> capacities, std::span<std::int64_t> out) const;
  /// dropped(capacity) / total(); 0 of none.
  [[nodiscard]] double fraction(std::int64_t capacity) const;
  /// The smallest capacity that drops at most `most_dropped` >= 0. O(log E * log load).
  [[nodiscard]] std::int64_t smallest_capacity(std::int64_t most_dropped) const;
  /// dropped(C) for C = 0 … largest_load(). O(E + largest load).
  [[nodiscard]] std::vector<std::int64_t> curve() const;
  [[nodiscard]] std::span<const std::int64_t> falling_loads() const { return loads_; }

 private:
  std::vector<std::int64_t> loads_;    // falling
  std::vector<std::int64_t> largest_;  // largest_[m] = sum of the m largest loads
  std::int64_t total_ = 0;
};

/// Spectra of many steps of one layer, or of several layers, in memory that does not grow with the
/// number of steps: the pooled share dropped at every capacity, the distribution over steps at
/// chosen capacities, and the capacity each step needs to stay within chosen drop shares.
class SpectrumSummary {
 public:
  /// @param capacities  where the distribution over steps is kept, rising
  /// @param tolerances  drop shares in [0, 1], exact, for which needed capacities are kept
  SpectrumSummary(std::vector<std::int64_t> capacities, std::vector<Decimal> tolerances);

  void add(const DropSpectrum& step);
  /// @param other  with the same capacities and tolerances
  void merge(const SpectrumSummary& other);

  [[nodiscard]] std::int64_t assignments() const { return assignments_; }
  /// All dropped assignments at `capacity` over all assignments; 0 of none. O(largest load).
  [[nodiscard]] double pooled_fraction(std::int64_t capacity) const;
  /// pooled_fraction for C = 0 … the largest load met. O(largest load).
  [[nodiscard]] std::vector<double> pooled_curve() const;
  [[nodiscard]] const std::vector<std::int64_t>& capacities() const { return capacities_; }
  [[nodiscard]] const std::vector<Decimal>& tolerances() const { return tolerances_; }
  /// Drop fractions of the steps at capacities()[i].
  [[nodiscard]] ValueCounts fractions(std::size_t i) const;
  /// Smallest capacities of the steps for tolerances()[i].
  [[nodiscard]] ValueCounts needed(std::size_t i) const { return needed_[i].divided_by(1); }

 private:
  std::vector<std::int64_t> capacities_;
  std::vector<Decimal> tolerances_;
  // Steps mostly have the same number of assignments: for that number drops are counted whole, for
  // any other as fractions.
  std::int64_t common_total_ = 0;  // 0 = no step so far
  std::vector<WholeCounts> drops_;
  std::vector<ValueCounts> fractions_;
  std::vector<std::int64_t> dropped_;  // [capacities] of the step at hand
  std::vector<WholeCounts> needed_;
  std::vector<std::int64_t> bins_of_load_;  // how often a bin had this load
  std::int64_t assignments_ = 0;
};

}  // namespace hotexpert
