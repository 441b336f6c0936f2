#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "profiler/cupti_functions.hpp"

namespace hotexpert {

/// A profiler host object of a chip, released at the end: knows metrics, makes the configuration
/// that counts them, and turns counts into their values. Needs no device.
class CuptiHost {
 public:
  /// @param availability what the device can count, or empty: all that the chip has
  CuptiHost(const CuptiFunctions& cupti, const std::string& chip,
            std::span<const std::uint8_t> availability = {});
  ~CuptiHost();
  CuptiHost(const CuptiHost&) = delete;
  CuptiHost& operator=(const CuptiHost&) = delete;

  [[nodiscard]] CUptiResult result() const { return result_; }  ///< of the construction
  [[nodiscard]] bool knows(const std::string& metric) const;

  /// The configuration of metrics counted together and the passes they need.
  struct Config {
    CUptiResult result = CUPTI_SUCCESS;
    std::vector<std::uint8_t> image;
    int passes = 0;
  };
  [[nodiscard]] Config config_of(std::vector<const char*>& metrics) const;

  /// Values of the metrics in one range of a counter data image; empty values after a failure.
  [[nodiscard]] CUptiResult evaluate(std::span<const std::uint8_t> counters, std::size_t range,
                                     std::vector<const char*>& metrics,
                                     std::vector<double>& values) const;

 private:
  const CuptiFunctions& cupti_;
  CUpti_Profiler_Host_Object* object_ = nullptr;
  CUptiResult result_ = CUPTI_SUCCESS;
};

}  // namespace hotexpert
