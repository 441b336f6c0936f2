#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/metrics/drop_spectrum.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

/// Capacities at which a drop spectrum is drawn: those of factor 0, 1/32, 2/32 … 4 times the mean
/// load k*T/E, then each 5 % above the last, up to one that drops nothing (T: a token names an
/// expert once). Rising, without repeats; {0} for an empty scope.
std::vector<std::int64_t> spectrum_capacities(const CapacityScope& scope);

/// Drop spectra of any number of batches, summed up layer by layer, in memory that does not grow
/// with the number of steps. One pass over the ids of a batch gives the drops at every capacity.
class SpectrumTable {
 public:
  /// @param capacities, tolerances  as SpectrumSummary takes them
  /// @param group  tokens that share a capacity; 0 = the whole batch
  SpectrumTable(std::vector<std::int64_t> capacities, std::vector<Decimal> tolerances,
                std::int64_t group);

  void add(const RoutingBatch& batch);
  /// Adds what another table of the same capacities and tolerances counted.
  void merge(const SpectrumTable& other);

  /// Whether capacities were given.
  [[nodiscard]] bool draws_curve() const { return !empty_.capacities().empty(); }
  [[nodiscard]] std::vector<int> layers() const;
  [[nodiscard]] const SpectrumSummary& of_layer(int layer) const { return layers_.at(layer); }
  [[nodiscard]] SpectrumSummary all() const;

 private:
  SpectrumSummary empty_;
  std::int64_t group_;
  std::map<int, SpectrumSummary> layers_;
  std::vector<std::int64_t> loads_;  // [groups, E] of the batch
  DropSpectrum step_;
};

}  // namespace hotexpert
