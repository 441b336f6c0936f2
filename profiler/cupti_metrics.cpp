#include <string>
#include <vector>

#include "profiler/cupti_api.hpp"
#include "profiler/cupti_host.hpp"

namespace hotexpert {

MetricCheck check_metrics(std::string_view chip, std::span<const std::string_view> metrics) {
  const auto& cupti = cupti_functions();
  if (!cupti.reason.empty()) return {cupti.reason, false, 0};
  const CuptiHost host(cupti, std::string(chip));
  if (host.result() != CUPTI_SUCCESS)
    return {"CUPTI does not know the chip " + std::string(chip) + ": " + cupti.text(host.result()),
            false, 0};

  const std::vector<std::string> names(metrics.begin(), metrics.end());
  std::vector<const char*> pointers;
  for (const auto& metric : names) {
    if (!host.knows(metric))
      return {std::string(chip) + " has no metric '" + metric + "'.", true, 0};
    pointers.push_back(metric.c_str());
  }
  const auto config = host.config_of(pointers);
  MetricCheck check{"", true, config.passes};
  if (config.result != CUPTI_SUCCESS)
    check.reason = "CUPTI refused these metrics together: " + cupti.text(config.result);
  return check;
}

}  // namespace hotexpert
