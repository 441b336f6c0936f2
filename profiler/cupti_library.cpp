#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "profiler/cupti_api.hpp"
#include "profiler/cupti_functions.hpp"
#include "profiler/cupti_ranges.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kBufferBytes = 8u << 20;
constexpr std::size_t kBufferAlignment = 8;  // CUPTI's ACTIVITY_RECORD_ALIGNMENT

/// Where CUPTI's threads deliver records. CUPTI's callbacks carry no user pointer, hence one for
/// the process.
struct Sink {
  std::mutex mutex;
  ActivityBatch batch;
};

Sink& sink() {
  static Sink instance;
  return instance;
}

void CUPTIAPI on_buffer_requested(std::uint8_t** buffer, std::size_t* bytes,
                                  std::size_t* most_records) {
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(kBufferAlignment, kBufferBytes));
  *bytes = *buffer == nullptr ? 0 : kBufferBytes;
  *most_records = 0;  // as many as fit
}

KernelRecord kernel_record(const CUpti_ActivityKernel10& kernel) {
  return {kernel.name == nullptr ? "" : kernel.name,
          kernel.start,
          kernel.end,
          static_cast<int>(kernel.deviceId),
          static_cast<int>(kernel.streamId),
          kernel.correlationId};
}

void CUPTIAPI on_buffer_completed(CUcontext context, std::uint32_t stream, std::uint8_t* buffer,
                                  std::size_t /*bytes*/, std::size_t valid_bytes) {
  const auto& cupti = cupti_functions();
  const std::lock_guard lock(sink().mutex);
  CUpti_Activity* record = nullptr;
  while (cupti.next_record(buffer, valid_bytes, &record) == CUPTI_SUCCESS) {
    if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL)
      sink().batch.records.push_back(
          kernel_record(*reinterpret_cast<const CUpti_ActivityKernel10*>(record)));
  }
  std::size_t dropped = 0;
  if (cupti.num_dropped(context, stream, &dropped) == CUPTI_SUCCESS)
    sink().batch.dropped += static_cast<std::int64_t>(dropped);
  std::free(buffer);
}

class LoadedCupti final : public CuptiApi {
 public:
  std::string start_activity() override {
    const auto& cupti = cupti_functions();
    auto result = registered_ ? CUPTI_SUCCESS
                              : cupti.register_callbacks(on_buffer_requested, on_buffer_completed);
    registered_ = result == CUPTI_SUCCESS;
    if (result == CUPTI_SUCCESS) result = cupti.enable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
    if (result != CUPTI_SUCCESS)
      return "CUPTI cannot record kernels here (" + cupti.text(result) +
             "): a driver, a device and no second tool are needed.";
    const std::lock_guard lock(sink().mutex);
    sink().batch = {};
    return "";
  }

  ActivityBatch stop_activity() override {
    const auto& cupti = cupti_functions();
    cupti.flush_all(0);
    cupti.disable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
    const std::lock_guard lock(sink().mutex);
    return std::exchange(sink().batch, {});
  }

  std::string start_counters(std::span<const std::string_view> metrics) override {
    ranges_.emplace(cupti_functions());
    auto reason = ranges_->start(current_context(), metrics);
    if (!reason.empty()) ranges_.reset();
    return reason;
  }
  std::string begin_range(const std::string& name) override { return ranges_->begin(name); }
  std::string end_range() override { return ranges_->end(); }
  CounterBatch stop_counters() override {
    auto batch = ranges_->stop();
    ranges_.reset();
    return batch;
  }

 private:
  bool registered_ = false;  // the callbacks stay for the life of the process
  std::optional<CuptiRanges> ranges_;
};

}  // namespace

OpenedCupti open_cupti() {
  const auto& cupti = cupti_functions();
  if (!cupti.reason.empty()) return {nullptr, cupti.reason};
  return {std::make_unique<LoadedCupti>(), ""};
}

}  // namespace hotexpert
