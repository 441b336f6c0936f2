#include "profiler/cupti_host.hpp"

namespace hotexpert {

CuptiHost::CuptiHost(const CuptiFunctions& cupti, const std::string& chip,
                     std::span<const std::uint8_t> availability)
    : cupti_(cupti) {
  CUpti_Profiler_Host_Initialize_Params params{};
  params.structSize = CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE;
  params.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
  params.pChipName = chip.c_str();
  params.pCounterAvailabilityImage = availability.empty() ? nullptr : availability.data();
  result_ = cupti_.host_initialize(&params);
  object_ = params.pHostObject;
}

CuptiHost::~CuptiHost() {
  if (result_ != CUPTI_SUCCESS) return;
  CUpti_Profiler_Host_Deinitialize_Params params{};
  params.structSize = CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE;
  params.pHostObject = object_;
  cupti_.host_deinitialize(&params);
}

bool CuptiHost::knows(const std::string& metric) const {
  CUpti_Profiler_Host_GetMetricProperties_Params params{};
  params.structSize = CUpti_Profiler_Host_GetMetricProperties_Params_STRUCT_SIZE;
  params.pHostObject = object_;
  params.pMetricName = metric.c_str();
  return cupti_.host_metric_properties(&params) == CUPTI_SUCCESS;
}

CuptiHost::Config CuptiHost::config_of(std::vector<const char*>& metrics) const {
  Config config;
  CUpti_Profiler_Host_ConfigAddMetrics_Params add{};
  add.structSize = CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE;
  add.pHostObject = object_;
  add.ppMetricNames = metrics.data();
  add.numMetrics = metrics.size();
  config.result = cupti_.host_add_metrics(&add);
  if (config.result != CUPTI_SUCCESS) return config;

  CUpti_Profiler_Host_GetConfigImageSize_Params size{};
  size.structSize = CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE;
  size.pHostObject = object_;
  config.result = cupti_.host_image_size(&size);
  if (config.result != CUPTI_SUCCESS) return config;
  config.image.resize(size.configImageSize);

  CUpti_Profiler_Host_GetConfigImage_Params image{};
  image.structSize = CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE;
  image.pHostObject = object_;
  image.configImageSize = config.image.size();
  image.pConfigImage = config.image.data();
  config.result = cupti_.host_image(&image);
  if (config.result != CUPTI_SUCCESS) return config;

  CUpti_Profiler_Host_GetNumOfPasses_Params count{};
  count.structSize = CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE;
  count.configImageSize = config.image.size();
  count.pConfigImage = config.image.data();
  config.result = cupti_.host_num_passes(&count);
  config.passes = static_cast<int>(count.numOfPasses);
  return config;
}

CUptiResult CuptiHost::evaluate(std::span<const std::uint8_t> counters, std::size_t range,
                                std::vector<const char*>& metrics,
                                std::vector<double>& values) const {
  values.assign(metrics.size(), 0);
  CUpti_Profiler_Host_EvaluateToGpuValues_Params params{};
  params.structSize = CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE;
  params.pHostObject = object_;
  params.pCounterDataImage = counters.data();
  params.counterDataImageSize = counters.size();
  params.rangeIndex = range;
  params.ppMetricNames = metrics.data();
  params.numMetrics = metrics.size();
  params.pMetricValues = values.data();
  const auto result = cupti_.host_evaluate(&params);
  if (result != CUPTI_SUCCESS) values.clear();
  return result;
}

}  // namespace hotexpert
