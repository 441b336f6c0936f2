#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/base/decimal.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {

/// A multiset of numbers that occupies memory for distinct values only: drop fractions and
/// capacities of any number of steps. Every result is the same for any order of adding and merging.
class ValueCounts {
 public:
  using Counts = std::vector<std::pair<double, std::int64_t>>;

  void add(double value);
  void add(double value, std::int64_t times);  ///< @param times >= 1
  void merge(const ValueCounts& other);

  [[nodiscard]] std::int64_t count() const;
  /// Distinct values, ascending, and how often each came.
  [[nodiscard]] const Counts& values() const;
  [[nodiscard]] double mean() const;  ///< 0 when empty
  /// Standard error of the mean, from the unbiased variance; 0 below two values.
  [[nodiscard]] double standard_error() const;
  /// Value number i in ascending order.   @param i in [0, count())
  [[nodiscard]] double at(std::int64_t i) const;
  [[nodiscard]] double quantile(double q) const;  ///< as quantile() of statistics.hpp; 0 when empty
  [[nodiscard]] Percentiles percentiles() const;
  /// The smallest value that at least `share` of the values do not exceed.   @param share in [0, 1]
  [[nodiscard]] double covering(const Decimal& share) const;

 private:
  void settle() const;

  // New values wait in `pending_` and are sorted in, many at a time.
  mutable Counts counts_;
  mutable std::vector<double> pending_;
};

}  // namespace hotexpert
