#pragma once

#include <cstdint>
#include <string>

namespace hotexpert {

/// The CUDA device in use, or why there is none.
struct CudaDevice {
  std::string name;         ///< "NVIDIA H100 80GB HBM3"; empty when absent
  std::string unavailable;  ///< one sentence with the remedy; empty when there is a device
  int major = 0;            ///< compute capability
  int minor = 0;
  int multiprocessors = 0;
  std::int64_t memory_bytes = 0;  ///< of the device
  std::int64_t l2_bytes = 0;
  double clock_hz = 0;  ///< highest clock of the multiprocessors; 0: not told

  [[nodiscard]] bool has_sm90() const { return major == 9 && minor == 0; }
};

}  // namespace hotexpert
