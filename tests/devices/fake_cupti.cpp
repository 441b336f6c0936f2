// CUPTI as the product finds it, for activity records: one record a kernel that ran on the fake
// device. FakeCuda::cupti says what it refuses or loses. Hardware counters are always refused.

#include <cupti.h>

#include <cstring>

#include "tests/devices/fake_cuda.hpp"
#include "tests/devices/fake_libraries.hpp"

namespace hotexpert::test {
namespace {

using Record = CUpti_ActivityKernel10;

struct Session {
  CUpti_BuffersCallbackRequestFunc request = nullptr;
  CUpti_BuffersCallbackCompleteFunc complete = nullptr;
  std::size_t first_kernel = 0;
  std::size_t lost = 0;
};
Session& session() {
  static Session instance;
  return instance;
}

CUptiResult result_string(CUptiResult result, const char** text) {
  *text = result == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES ? "CUPTI_ERROR_INSUFFICIENT_PRIVILEGES"
          : result == CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED
              ? "CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED"
              : "CUPTI_ERROR_UNKNOWN";
  return CUPTI_SUCCESS;
}

CUptiResult register_callbacks(CUpti_BuffersCallbackRequestFunc request,
                               CUpti_BuffersCallbackCompleteFunc complete) {
  session().request = request;
  session().complete = complete;
  return CUPTI_SUCCESS;
}

CUptiResult enable(CUpti_ActivityKind) {
  if (fake_cuda().cupti == "denied") return CUPTI_ERROR_INSUFFICIENT_PRIVILEGES;
  if (fake_cuda().cupti == "busy") return CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
  session().first_kernel = fake_cuda().kernel_begins_ns.size();
  return CUPTI_SUCCESS;
}

CUptiResult disable(CUpti_ActivityKind) { return CUPTI_SUCCESS; }

CUptiResult flush_all(std::uint32_t) {
  const auto& begins = fake_cuda().kernel_begins_ns;
  std::uint8_t* buffer = nullptr;
  std::size_t bytes = 0;
  std::size_t most = 0;
  session().request(&buffer, &bytes, &most);
  std::size_t written = 0;
  std::size_t fits = bytes / sizeof(Record);
  if (fake_cuda().cupti == "drops") fits = 3;
  if (fake_cuda().cupti == "silent") fits = 0;
  for (std::size_t k = session().first_kernel; k < begins.size() && written < fits; ++k) {
    Record record{};
    record.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
    record.start = begins[k];
    record.end = begins[k] + FakeCuda::kOperationNs;
    record.name = "fake_kernel";
    record.correlationId = static_cast<std::uint32_t>(k + 1);
    std::memcpy(buffer + written++ * sizeof(Record), &record, sizeof(record));
  }
  session().lost =
      fake_cuda().cupti == "silent" ? 0 : begins.size() - session().first_kernel - written;
  session().complete(nullptr, 0, buffer, bytes, written * sizeof(Record));
  return CUPTI_SUCCESS;
}

CUptiResult next_record(std::uint8_t* buffer, std::size_t valid_bytes, CUpti_Activity** record) {
  auto* next =
      *record == nullptr ? buffer : reinterpret_cast<std::uint8_t*>(*record) + sizeof(Record);
  if (next >= buffer + valid_bytes) return CUPTI_ERROR_MAX_LIMIT_REACHED;
  *record = reinterpret_cast<CUpti_Activity*>(next);
  return CUPTI_SUCCESS;
}

CUptiResult num_dropped(CUcontext, std::uint32_t, std::size_t* dropped) {
  *dropped = session().lost;
  return CUPTI_SUCCESS;
}

/// Everything about counters, whatever its arguments.
CUptiResult refuse(void*) { return CUPTI_ERROR_INSUFFICIENT_PRIVILEGES; }

}  // namespace

void* cupti_function(std::string_view symbol) {
  if (symbol == "cuptiGetResultString") return pointer(result_string);
  if (symbol == "cuptiActivityRegisterCallbacks") return pointer(register_callbacks);
  if (symbol == "cuptiActivityEnable") return pointer(enable);
  if (symbol == "cuptiActivityDisable") return pointer(disable);
  if (symbol == "cuptiActivityFlushAll") return pointer(flush_all);
  if (symbol == "cuptiActivityGetNextRecord") return pointer(next_record);
  if (symbol == "cuptiActivityGetNumDroppedRecords") return pointer(num_dropped);
  return pointer(refuse);
}

}  // namespace hotexpert::test
