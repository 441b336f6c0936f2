#include <cstdint>
#include <string>
#include <vector>

#include "profiler/cupti_api.hpp"
#include "profiler/cupti_functions.hpp"

namespace hotexpert {
namespace {

/// A profiler host object of a chip, released at the end.
class HostObject {
 public:
  explicit HostObject(const std::string& chip) : cupti_(cupti_functions()) {
    CUpti_Profiler_Host_Initialize_Params params{};
    params.structSize = CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE;
    params.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
    params.pChipName = chip.c_str();
    result_ = cupti_.host_initialize(&params);
    object_ = params.pHostObject;
  }
  ~HostObject() {
    if (result_ != CUPTI_SUCCESS) return;
    CUpti_Profiler_Host_Deinitialize_Params params{};
    params.structSize = CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE;
    params.pHostObject = object_;
    cupti_.host_deinitialize(&params);
  }
  HostObject(const HostObject&) = delete;
  HostObject& operator=(const HostObject&) = delete;

  [[nodiscard]] CUptiResult result() const { return result_; }

  [[nodiscard]] bool knows(const std::string& metric) const {
    CUpti_Profiler_Host_GetMetricProperties_Params params{};
    params.structSize = CUpti_Profiler_Host_GetMetricProperties_Params_STRUCT_SIZE;
    params.pHostObject = object_;
    params.pMetricName = metric.c_str();
    return cupti_.host_metric_properties(&params) == CUPTI_SUCCESS;
  }

  [[nodiscard]] CUptiResult add(std::vector<const char*>& metrics) const {
    CUpti_Profiler_Host_ConfigAddMetrics_Params params{};
    params.structSize = CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE;
    params.pHostObject = object_;
    params.ppMetricNames = metrics.data();
    params.numMetrics = metrics.size();
    return cupti_.host_add_metrics(&params);
  }

  /// Passes that the added metrics need.
  [[nodiscard]] CUptiResult count_passes(int& passes) const {
    CUpti_Profiler_Host_GetConfigImageSize_Params size{};
    size.structSize = CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE;
    size.pHostObject = object_;
    if (const auto result = cupti_.host_image_size(&size); result != CUPTI_SUCCESS) return result;
    std::vector<std::uint8_t> bytes(size.configImageSize);

    CUpti_Profiler_Host_GetConfigImage_Params image{};
    image.structSize = CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE;
    image.pHostObject = object_;
    image.configImageSize = bytes.size();
    image.pConfigImage = bytes.data();
    if (const auto result = cupti_.host_image(&image); result != CUPTI_SUCCESS) return result;

    CUpti_Profiler_Host_GetNumOfPasses_Params count{};
    count.structSize = CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE;
    count.configImageSize = bytes.size();
    count.pConfigImage = bytes.data();
    const auto result = cupti_.host_num_passes(&count);
    passes = static_cast<int>(count.numOfPasses);
    return result;
  }

 private:
  const CuptiFunctions& cupti_;
  CUpti_Profiler_Host_Object* object_ = nullptr;
  CUptiResult result_ = CUPTI_SUCCESS;
};

}  // namespace

MetricCheck check_metrics(std::string_view chip, std::span<const std::string_view> metrics) {
  const auto& cupti = cupti_functions();
  if (!cupti.reason.empty()) return {cupti.reason, false, 0};
  const HostObject host{std::string(chip)};
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
  MetricCheck check{"", true, 0};
  auto result = host.add(pointers);
  if (result == CUPTI_SUCCESS) result = host.count_passes(check.passes);
  if (result != CUPTI_SUCCESS)
    check.reason = "CUPTI refused these metrics together: " + cupti.text(result);
  return check;
}

}  // namespace hotexpert
