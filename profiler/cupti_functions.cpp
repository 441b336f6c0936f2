#include "profiler/cupti_functions.hpp"

#include <dlfcn.h>

#include <array>

namespace hotexpert {
namespace {

/// By the loader's own search, then where toolkits are installed.
constexpr std::array kLibraryNames = {"libcupti.so.13", "/usr/local/cuda/lib64/libcupti.so.13",
                                      "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so.13"};

void* open_library() {
  for (const char* name : kLibraryNames) {
    if (void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return handle;
  }
  return nullptr;
}

CuptiFunctions load() {
  CuptiFunctions functions;
  void* library = open_library();
  if (library == nullptr) {
    functions.reason =
        "libcupti.so.13 was not found: install the CUDA 13 Toolkit, or add the folder that holds "
        "it "
        "to LD_LIBRARY_PATH.";
    return functions;
  }
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr)
      functions.reason = std::string("libcupti.so.13 lacks ") + name + ": it is not of CUDA 13.";
  };
  find(functions.result_string, "cuptiGetResultString");
  find(functions.register_callbacks, "cuptiActivityRegisterCallbacks");
  find(functions.enable, "cuptiActivityEnable");
  find(functions.disable, "cuptiActivityDisable");
  find(functions.flush_all, "cuptiActivityFlushAll");
  find(functions.next_record, "cuptiActivityGetNextRecord");
  find(functions.num_dropped, "cuptiActivityGetNumDroppedRecords");
  find(functions.host_initialize, "cuptiProfilerHostInitialize");
  find(functions.host_deinitialize, "cuptiProfilerHostDeinitialize");
  find(functions.host_add_metrics, "cuptiProfilerHostConfigAddMetrics");
  find(functions.host_metric_properties, "cuptiProfilerHostGetMetricProperties");
  find(functions.host_image_size, "cuptiProfilerHostGetConfigImageSize");
  find(functions.host_image, "cuptiProfilerHostGetConfigImage");
  find(functions.host_num_passes, "cuptiProfilerHostGetNumOfPasses");
  find(functions.host_evaluate, "cuptiProfilerHostEvaluateToGpuValues");
  find(functions.chip_name, "cuptiDeviceGetChipName");
  find(functions.profiler_initialize, "cuptiProfilerInitialize");
  find(functions.profiler_deinitialize, "cuptiProfilerDeInitialize");
  find(functions.counter_availability, "cuptiProfilerGetCounterAvailability");
  find(functions.range_enable, "cuptiRangeProfilerEnable");
  find(functions.range_disable, "cuptiRangeProfilerDisable");
  find(functions.range_data_size, "cuptiRangeProfilerGetCounterDataSize");
  find(functions.range_data_initialize, "cuptiRangeProfilerCounterDataImageInitialize");
  find(functions.range_set_config, "cuptiRangeProfilerSetConfig");
  find(functions.range_start, "cuptiRangeProfilerStart");
  find(functions.range_stop, "cuptiRangeProfilerStop");
  find(functions.range_push, "cuptiRangeProfilerPushRange");
  find(functions.range_pop, "cuptiRangeProfilerPopRange");
  find(functions.range_decode, "cuptiRangeProfilerDecodeData");
  find(functions.range_data_info, "cuptiRangeProfilerGetCounterDataInfo");
  find(functions.range_info, "cuptiRangeProfilerCounterDataGetRangeInfo");
  return functions;
}

}  // namespace

std::string CuptiFunctions::text(CUptiResult result) const {
  const char* words = nullptr;
  result_string(result, &words);
  return words == nullptr ? "an unknown CUPTI error" : words;
}

CurrentContext current_context() {
  CurrentContext current;
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (driver == nullptr) {
    current.reason = "No CUDA driver is loaded in this process.";
    return current;
  }
  const auto get_context =
      reinterpret_cast<decltype(&cuCtxGetCurrent)>(dlsym(driver, "cuCtxGetCurrent"));
  const auto get_device =
      reinterpret_cast<decltype(&cuCtxGetDevice)>(dlsym(driver, "cuCtxGetDevice"));
  CUdevice device = 0;
  const bool found = get_context != nullptr && get_device != nullptr &&
                     get_context(&current.context) == CUDA_SUCCESS && current.context != nullptr &&
                     get_device(&device) == CUDA_SUCCESS;
  dlclose(driver);  // the process holds it still
  if (!found) current.reason = "No CUDA context is current on this thread.";
  current.device = static_cast<std::size_t>(device);
  return current;
}

const CuptiFunctions& cupti_functions() {
  static const CuptiFunctions functions = load();
  return functions;
}

}  // namespace hotexpert
