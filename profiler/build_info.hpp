#pragma once

#include <string_view>

namespace hotexpert {

/// How this program was built. Values are fixed when CMake configures; an empty one is unknown.
struct BuildInfo {
  std::string_view version;       ///< of the project
  std::string_view git_describe;  ///< of the source tree when it was configured
  std::string_view compiler;      ///< "GNU 12.2.0"
  std::string_view build_type;    ///< "Release"
  std::string_view flags;         ///< switches without a path in them
  std::string_view cuda_toolkit;  ///< "13.0.88" when the CUDA kernels are compiled
  bool nvtx = false;              ///< NVTX ranges are compiled in
};
const BuildInfo& build_info();

}  // namespace hotexpert
