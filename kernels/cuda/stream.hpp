#pragma once

struct CUstream_st;

namespace hotexpert {

/// cudaStream_t, without CUDA's headers.
using DeviceStream = CUstream_st*;

}  // namespace hotexpert
