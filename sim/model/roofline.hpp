#pragma once

#include <span>
#include <vector>

#include "sim/model/positive_fit.hpp"
#include "sim/model/published_cost.hpp"

namespace hotexpert {

/// The baseline beside every validation: seconds = overhead + max(flops / rate, bytes / bandwidth),
/// three constants, with the flops of the rank's rows and the bytes of its active experts' weights
/// and of its rows; mean over the same draws.
class RooflineCost {
 public:
  RooflineCost(const std::vector<PublishedRow>& rows, const PublishedCost& drawn);
  void log_predict(std::span<const double> constants, std::span<double> out) const;
  [[nodiscard]] PositiveFit fit_problem(const std::vector<PublishedRow>& rows) const;

 private:
  struct Work {
    double flops = 0;
    double bytes = 0;
  };
  std::vector<std::vector<Work>> work_;  // [rows][draws]
};

}  // namespace hotexpert
