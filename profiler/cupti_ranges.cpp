#include "profiler/cupti_ranges.hpp"

#include <fmt/format.h>

namespace hotexpert {
namespace {

/// A parameter struct of CUPTI with its size filled in; all else zero.
template <class Params>
Params sized(std::size_t size) {
  Params params{};
  params.structSize = size;
  return params;
}

}  // namespace

std::string CuptiRanges::failed(const char* doing, CUptiResult result) const {
  switch (result) {
    case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES:
      return fmt::format(
          "Hardware counters need permission ({}): run as root, or have the administrator load the "
          "driver with NVreg_RestrictProfilingToAdminUsers=0.",
          cupti_.text(result));
    case CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED:
    case CUPTI_ERROR_HARDWARE_BUSY:
    case CUPTI_ERROR_OLD_PROFILER_API_INITIALIZED:
      return fmt::format(
          "Another profiler holds the hardware counters ({}): stop it, or use its report.",
          cupti_.text(result));
    default:
      return fmt::format("CUPTI failed when {} ({}): counters were not read.", doing,
                         cupti_.text(result));
  }
}

std::string CuptiRanges::start(const CurrentContext& context,
                               std::span<const std::string_view> metrics) {
  if (!context.reason.empty()) return context.reason + " Counters need one.";
  metrics_.assign(metrics.begin(), metrics.end());
  metric_pointers_.clear();
  for (const auto& metric : metrics_) metric_pointers_.push_back(metric.c_str());

  auto initialize =
      sized<CUpti_Profiler_Initialize_Params>(CUpti_Profiler_Initialize_Params_STRUCT_SIZE);
  if (const auto result = cupti_.profiler_initialize(&initialize); result != CUPTI_SUCCESS)
    return failed("its profiler was initialised", result);
  initialised_ = true;

  auto reason = make_config(context.device);
  if (reason.empty()) reason = enable(context.context);
  if (reason.empty()) reason = make_counter_data();
  if (reason.empty()) reason = configure();
  if (!reason.empty()) release();
  return reason;
}

std::string CuptiRanges::make_config(std::size_t device) {
  auto chip = sized<CUpti_Device_GetChipName_Params>(CUpti_Device_GetChipName_Params_STRUCT_SIZE);
  chip.deviceIndex = device;
  if (const auto result = cupti_.chip_name(&chip); result != CUPTI_SUCCESS)
    return failed("the chip was asked for", result);

  auto availability = sized<CUpti_Profiler_GetCounterAvailability_Params>(
      CUpti_Profiler_GetCounterAvailability_Params_STRUCT_SIZE);
  auto result = cupti_.counter_availability(&availability);  // its size
  if (result == CUPTI_SUCCESS) {
    availability_.assign(availability.counterAvailabilityImageSize, 0);
    availability.pCounterAvailabilityImage = availability_.data();
    result = cupti_.counter_availability(&availability);
  }
  if (result != CUPTI_SUCCESS) return failed("available counters were asked for", result);

  host_ = std::make_unique<CuptiHost>(cupti_, chip.pChipName, availability_);
  if (host_->result() != CUPTI_SUCCESS)
    return failed("its profiler host was initialised", host_->result());
  for (const auto& metric : metrics_) {
    if (!host_->knows(metric))
      return fmt::format("The device ({}) cannot count '{}'.", chip.pChipName, metric);
  }
  config_ = host_->config_of(metric_pointers_);
  if (config_.result != CUPTI_SUCCESS) return failed("metrics were scheduled", config_.result);
  if (config_.passes != 1)
    return fmt::format("The counters need {} passes on {}, and a step runs once: none was read.",
                       config_.passes, chip.pChipName);
  return "";
}

std::string CuptiRanges::enable(CUcontext context) {
  auto params =
      sized<CUpti_RangeProfiler_Enable_Params>(CUpti_RangeProfiler_Enable_Params_STRUCT_SIZE);
  params.ctx = context;
  if (const auto result = cupti_.range_enable(&params); result != CUPTI_SUCCESS)
    return failed("its range profiler was enabled", result);
  profiler_ = params.pRangeProfilerObject;
  return "";
}

std::string CuptiRanges::make_counter_data() {
  auto size = sized<CUpti_RangeProfiler_GetCounterDataSize_Params>(
      CUpti_RangeProfiler_GetCounterDataSize_Params_STRUCT_SIZE);
  size.pRangeProfilerObject = profiler_;
  size.pMetricNames = metric_pointers_.data();
  size.numMetrics = metric_pointers_.size();
  size.maxNumOfRanges = kMostRanges;
  size.maxNumRangeTreeNodes = kMostRanges;
  if (const auto result = cupti_.range_data_size(&size); result != CUPTI_SUCCESS)
    return failed("the counter buffer was sized", result);
  counters_.assign(size.counterDataSize, 0);

  auto data = sized<CUpti_RangeProfiler_CounterDataImage_Initialize_Params>(
      CUpti_RangeProfiler_CounterDataImage_Initialize_Params_STRUCT_SIZE);
  data.pRangeProfilerObject = profiler_;
  data.counterDataSize = counters_.size();
  data.pCounterData = counters_.data();
  const auto result = cupti_.range_data_initialize(&data);
  return result == CUPTI_SUCCESS ? "" : failed("the counter buffer was made", result);
}

std::string CuptiRanges::configure() {
  auto config =
      sized<CUpti_RangeProfiler_SetConfig_Params>(CUpti_RangeProfiler_SetConfig_Params_STRUCT_SIZE);
  config.pRangeProfilerObject = profiler_;
  config.configSize = config_.image.size();
  config.pConfig = config_.image.data();
  config.counterDataImageSize = counters_.size();
  config.pCounterDataImage = counters_.data();
  config.range = CUPTI_UserRange;
  config.replayMode = CUPTI_UserReplay;
  config.maxRangesPerPass = kMostRanges;
  config.numNestingLevels = 1;
  config.minNestingLevel = 1;
  config.passIndex = 0;
  config.targetNestingLevel = 1;
  if (const auto result = cupti_.range_set_config(&config); result != CUPTI_SUCCESS)
    return failed("counters were configured", result);
  auto start =
      sized<CUpti_RangeProfiler_Start_Params>(CUpti_RangeProfiler_Start_Params_STRUCT_SIZE);
  start.pRangeProfilerObject = profiler_;
  const auto result = cupti_.range_start(&start);
  return result == CUPTI_SUCCESS ? "" : failed("counting was started", result);
}

std::string CuptiRanges::begin(const std::string& range) {
  auto params =
      sized<CUpti_RangeProfiler_PushRange_Params>(CUpti_RangeProfiler_PushRange_Params_STRUCT_SIZE);
  params.pRangeProfilerObject = profiler_;
  params.pRangeName = range.c_str();
  const auto result = cupti_.range_push(&params);
  return result == CUPTI_SUCCESS ? "" : failed("a range was opened", result);
}

std::string CuptiRanges::end() {
  auto params =
      sized<CUpti_RangeProfiler_PopRange_Params>(CUpti_RangeProfiler_PopRange_Params_STRUCT_SIZE);
  params.pRangeProfilerObject = profiler_;
  const auto result = cupti_.range_pop(&params);
  return result == CUPTI_SUCCESS ? "" : failed("a range was closed", result);
}

CounterBatch CuptiRanges::stop() {
  CounterBatch batch;
  if (profiler_ == nullptr) return batch;
  auto stop = sized<CUpti_RangeProfiler_Stop_Params>(CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE);
  stop.pRangeProfilerObject = profiler_;
  if (const auto result = cupti_.range_stop(&stop); result != CUPTI_SUCCESS) {
    batch.reason = failed("counting was stopped", result);
  } else if (stop.isAllPassSubmitted != 1) {
    batch.reason = "CUPTI wants a further pass, and a step runs once: counters were not read.";
  } else {
    batch.reason = read(batch);
  }
  release();
  return batch;
}

std::string CuptiRanges::read(CounterBatch& batch) {
  auto decode = sized<CUpti_RangeProfiler_DecodeData_Params>(
      CUpti_RangeProfiler_DecodeData_Params_STRUCT_SIZE);
  decode.pRangeProfilerObject = profiler_;
  if (const auto result = cupti_.range_decode(&decode); result != CUPTI_SUCCESS)
    return failed("counters were decoded", result);
  batch.dropped = static_cast<std::int64_t>(decode.numOfRangeDropped);

  auto info = sized<CUpti_RangeProfiler_GetCounterDataInfo_Params>(
      CUpti_RangeProfiler_GetCounterDataInfo_Params_STRUCT_SIZE);
  info.pCounterDataImage = counters_.data();
  info.counterDataImageSize = counters_.size();
  if (const auto result = cupti_.range_data_info(&info); result != CUPTI_SUCCESS)
    return failed("ranges were counted", result);
  for (std::size_t i = 0; i < info.numTotalRanges; ++i) {
    auto range = sized<CUpti_RangeProfiler_CounterData_GetRangeInfo_Params>(
        CUpti_RangeProfiler_CounterData_GetRangeInfo_Params_STRUCT_SIZE);
    range.pCounterDataImage = counters_.data();
    range.counterDataImageSize = counters_.size();
    range.rangeIndex = i;
    range.rangeDelimiter = "/";
    if (const auto result = cupti_.range_info(&range); result != CUPTI_SUCCESS)
      return failed("a range's name was read", result);
    std::vector<double> values;
    if (const auto result = host_->evaluate(counters_, i, metric_pointers_, values);
        result != CUPTI_SUCCESS)
      return failed("metrics were evaluated", result);
    RangeCounters counters{range.rangeName == nullptr ? "" : range.rangeName, {}};
    for (std::size_t m = 0; m < metrics_.size(); ++m)
      counters.values.push_back({metrics_[m], values[m]});
    batch.ranges.push_back(std::move(counters));
  }
  return "";
}

void CuptiRanges::release() {
  if (profiler_ != nullptr) {
    auto disable =
        sized<CUpti_RangeProfiler_Disable_Params>(CUpti_RangeProfiler_Disable_Params_STRUCT_SIZE);
    disable.pRangeProfilerObject = profiler_;
    cupti_.range_disable(&disable);
    profiler_ = nullptr;
  }
  host_.reset();
  if (!initialised_) return;
  auto deinitialize =
      sized<CUpti_Profiler_DeInitialize_Params>(CUpti_Profiler_DeInitialize_Params_STRUCT_SIZE);
  cupti_.profiler_deinitialize(&deinitialize);
  initialised_ = false;
}

}  // namespace hotexpert
