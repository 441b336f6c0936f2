#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/cupti_api.hpp"
#include "profiler/cupti_host.hpp"

namespace hotexpert {

/// CUPTI's range profiler over one pass: hardware counters of ranges that the program opens and
/// closes, none inside another, all metrics at once (user ranges, no replay).
/// Functions return the reason of a failure as a whole sentence, or "".
class CuptiRanges {
 public:
  static constexpr std::size_t kMostRanges = 64;

  explicit CuptiRanges(const CuptiFunctions& cupti) : cupti_(cupti) {}
  ~CuptiRanges() { release(); }
  CuptiRanges(const CuptiRanges&) = delete;
  CuptiRanges& operator=(const CuptiRanges&) = delete;

  /// Starts counting on a context. After a failure everything taken is given back.
  /// Nothing of the profiler is called once its initialisation failed: CUPTI 13.0 then crashes.
  std::string start(const CurrentContext& context, std::span<const std::string_view> metrics);
  std::string begin(const std::string& range);
  std::string end();
  CounterBatch stop();

 private:
  std::string make_config(std::size_t device);
  std::string enable(CUcontext context);
  std::string make_counter_data();
  std::string configure();
  std::string read(CounterBatch& batch);
  [[nodiscard]] std::string failed(const char* doing, CUptiResult result) const;
  void release();

  const CuptiFunctions& cupti_;
  std::vector<std::string> metrics_;
  std::vector<const char*> metric_pointers_;
  std::vector<std::uint8_t> availability_;
  std::unique_ptr<CuptiHost> host_;
  CuptiHost::Config config_;
  std::vector<std::uint8_t> counters_;
  CUpti_RangeProfiler_Object* profiler_ = nullptr;
  bool initialised_ = false;
};

}  // namespace hotexpert
