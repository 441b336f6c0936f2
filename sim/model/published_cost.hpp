#pragma once

#include <memory>
#include <span>
#include <vector>

#include "sim/model/layer_law.hpp"
#include "sim/model/positive_fit.hpp"
#include "sim/model/published_data.hpp"

namespace hotexpert {

/// Draws averaged for a skewed row (its latency is itself the mean of 5 draws we cannot know).
inline constexpr int kPublishedDraws = 32;

/// Published rows with their loads drawn and summarised once, so that fits price them repeatedly.
class PublishedCost {
 public:
  explicit PublishedCost(const std::vector<PublishedRow>& rows, int draws = kPublishedDraws);

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  /// ln of the predicted seconds of every row: mean over its draws of the hottest rank's time.
  void log_predict(const DeviceDescription& device, std::span<double> out) const;
  /// The fit of the device's constants to these rows, starting from its nominal constants.
  [[nodiscard]] PositiveFit fit_problem(const DeviceDescription& device) const;
  /// Summaries of the draws of a row, rank 0.
  [[nodiscard]] std::span<const LoadSummary> draws(std::size_t row) const;
  /// Max/mean load of all experts, mean over the draws of a row.
  [[nodiscard]] double skew(std::size_t row) const { return rows_[row].skew; }

 private:
  struct Row {
    std::size_t group = 0;
    std::size_t first = 0;
    std::size_t count = 0;
    double skew = 1;
  };
  struct Group {  // rows of one shape and rank size share a law
    LayerShape shape;
    int local_experts = 1;
    bool tuned = true;
    std::shared_ptr<const UniformLoads> uniform;
  };
  std::vector<Row> rows_;
  std::vector<Group> groups_;
  std::vector<LoadSummary> draws_;
  std::vector<double> log_latency_;
};

/// Device with some or all constants replaced, in the order of cost_constants().
DeviceDescription with_constants(DeviceDescription device, std::span<const double> values);
std::vector<double> constant_values(const CostConstants& constants);

}  // namespace hotexpert
