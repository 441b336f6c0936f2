#include "profiler/layer_measurements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace hotexpert {
namespace {

struct PhaseRow {
  std::string_view metric;
  std::optional<double> PhaseTimes::*phase;
};

constexpr std::array kPhases = {
    PhaseRow{"layer.route_s", &PhaseTimes::route_s},
    PhaseRow{"layer.router_s", &PhaseTimes::router_s},
    PhaseRow{"layer.permute_s", &PhaseTimes::permute_s},
    PhaseRow{"layer.all_to_all_s", &PhaseTimes::all_to_all_s},
    PhaseRow{"layer.dispatch_s", &PhaseTimes::dispatch_s},
    PhaseRow{"layer.return_s", &PhaseTimes::return_s},
    PhaseRow{"layer.expert_ffn_s", &PhaseTimes::expert_ffn_s},
    PhaseRow{"layer.dgrad_s", &PhaseTimes::dgrad_s},
    PhaseRow{"layer.wgrad_s", &PhaseTimes::wgrad_s},
    PhaseRow{"layer.combine_s", &PhaseTimes::combine_s},
    PhaseRow{"layer.forward_s", &PhaseTimes::forward_s},
    PhaseRow{"layer.backward_s", &PhaseTimes::backward_s},
};

/// What a pass with gradients costs on the skewed batch over its balanced control, part by part.
constexpr std::array kTaxes = {
    PhaseRow{"layer.forward_tax", &PhaseTimes::forward_s},
    PhaseRow{"layer.dgrad_tax", &PhaseTimes::dgrad_s},
    PhaseRow{"layer.wgrad_tax", &PhaseTimes::wgrad_s},
};

Measurement of_samples(std::string_view metric, std::vector<double> samples,
                       Provenance provenance) {
  Measurement measurement;
  measurement.metric = metric;
  measurement.provenance = provenance;
  measurement.value = median(samples);
  if (provenance != Provenance::kMeasured) return measurement;
  measurement.ci95 = median_interval(samples);
  measurement.samples = std::move(samples);
  return measurement;
}

std::vector<double> phase_samples(const ArmSamples& arm, const PhaseRow& row) {
  std::vector<double> values;
  for (const auto& sample : arm.samples) {
    if (const auto& value = sample.*row.phase) values.push_back(*value);
  }
  if (!values.empty() && values.size() != arm.samples.size())
    throw std::logic_error(fmt::format("{} is in {} of {} samples of arm '{}'", row.metric,
                                       values.size(), arm.samples.size(), arm.name));
  return values;
}

/// The arm with one of its phases as its total; no samples where it has no such phase.
ArmSamples phase_arm(const ArmSamples& arm, const PhaseRow& row) {
  ArmSamples phase{arm.name, {}, {}};
  for (const double seconds : phase_samples(arm, row)) {
    phase.samples.emplace_back();
    phase.samples.back().total_s = seconds;
  }
  return phase;
}

std::vector<double> idle_fractions(const ArmSamples& arm) {
  std::vector<double> values;
  for (const auto& sample : arm.samples) {
    if (sample.rank_ffn_s.size() < 2) return {};
    const double longest = *std::ranges::max_element(sample.rank_ffn_s);
    values.push_back(longest > 0 ? 1 - mean(sample.rank_ffn_s) / longest : 0);
  }
  return values;
}

}  // namespace

std::vector<Measurement> to_measurements(const MeasureResult& result, Provenance provenance) {
  std::vector<Measurement> measurements;
  const auto add = [&](std::string_view metric, std::vector<double> samples) {
    if (!samples.empty())
      measurements.push_back(of_samples(metric, std::move(samples), provenance));
  };
  const auto* layer = result.find(kLayerArm);
  const auto* balanced = result.find(kBalancedArm);
  const auto* uniform = result.find(kUniformArm);
  if (layer != nullptr) {
    add("layer.total_s", totals_s(*layer));
    for (const auto& row : kPhases) add(row.metric, phase_samples(*layer, row));
    add("layer.idle_fraction", idle_fractions(*layer));
  }
  if (balanced != nullptr) add("layer.balanced_total_s", totals_s(*balanced));
  if (uniform != nullptr) add("layer.uniform_total_s", totals_s(*uniform));
  if (layer != nullptr && balanced != nullptr)
    add("layer.imbalance_tax", paired_ratio(*layer, *balanced).samples);
  if (layer != nullptr && balanced != nullptr) {
    for (const auto& row : kTaxes) {
      const ArmSamples skewed = phase_arm(*layer, row);
      if (!skewed.samples.empty())
        add(row.metric, paired_ratio(skewed, phase_arm(*balanced, row)).samples);
    }
  }
  return measurements;
}

}  // namespace hotexpert
