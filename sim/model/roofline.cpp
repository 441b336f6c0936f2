#include "sim/model/roofline.hpp"

#include <algorithm>
#include <cmath>

namespace hotexpert {

RooflineCost::RooflineCost(const std::vector<PublishedRow>& rows, const PublishedCost& drawn) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LayerShape& shape = rows[i].shape;
    auto& work = work_.emplace_back();
    for (const LoadSummary& load : drawn.draws(i)) {
      const double row_bytes =
          2.0 * static_cast<double>(bytes_per_element(shape.dtype) * shape.d_model);
      work.push_back({load.rows * flops_per_expert(shape, 1),
                      load.active * static_cast<double>(weight_bytes_per_expert(shape)) +
                          load.rows * row_bytes});
    }
  }
}

void RooflineCost::log_predict(std::span<const double> constants, std::span<double> out) const {
  for (std::size_t i = 0; i < work_.size(); ++i) {
    double sum = 0;
    for (const Work& work : work_[i]) {
      sum += constants[0] + std::max(work.flops / constants[1], work.bytes / constants[2]);
    }
    out[i] = std::log(sum / static_cast<double>(work_[i].size()));
  }
}

PositiveFit RooflineCost::fit_problem(const std::vector<PublishedRow>& rows) const {
  PositiveFit fit;
  fit.start = {20e-6, 600e12, 2.5e12};
  fit.prior_sigma = {1, 1, 1};
  fit.prior_weight = 0.01;
  for (const auto& row : rows) fit.log_observed.push_back(std::log(row.latency_s));
  fit.log_predict = [this](std::span<const double> constants, std::span<double> out) {
    log_predict(constants, out);
  };
  return fit;
}

}  // namespace hotexpert
