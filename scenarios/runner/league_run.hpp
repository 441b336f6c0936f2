#pragma once

#include <string>
#include <vector>

#include "reports/run_store.hpp"
#include "sim/model/metric_league.hpp"

namespace hotexpert {

/// Names of the metrics of run_samples(), in order.
std::vector<std::string> run_metric_names();

/// Finished points of a run beside their balanced controls, with metrics of the loads that were
/// timed. Active experts are relative to the control. Regimes: kernel, and tokens up to 64, 65 to
/// 1,024, above. Points without a control are left out.
std::vector<LeagueSample> run_samples(const Run& run);

}  // namespace hotexpert
