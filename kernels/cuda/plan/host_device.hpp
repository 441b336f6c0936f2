#pragma once

/// Marks functions that kernels and host tests share. Host compilers see an ordinary inline
/// function.
#ifdef __CUDACC__
#define HOTEXPERT_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define HOTEXPERT_HOST_DEVICE inline
#endif
