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
  return functions;
}

}  // namespace

std::string CuptiFunctions::text(CUptiResult result) const {
  const char* words = nullptr;
  result_string(result, &words);
  return words == nullptr ? "an unknown CUPTI error" : words;
}

const CuptiFunctions& cupti_functions() {
  static const CuptiFunctions functions = load();
  return functions;
}

}  // namespace hotexpert
