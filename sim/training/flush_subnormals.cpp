#include "sim/training/flush_subnormals.hpp"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace hotexpert::training {

#if defined(__SSE2__)

namespace {
constexpr std::uint32_t kFlushToZero = 0x8000;       // MXCSR bit 15: results
constexpr std::uint32_t kDenormalsAreZero = 0x0040;  // MXCSR bit 6: operands
}  // namespace

FlushSubnormals::FlushSubnormals() : previous_(_mm_getcsr()) {
  _mm_setcsr(previous_ | kFlushToZero | kDenormalsAreZero);
}

FlushSubnormals::~FlushSubnormals() { _mm_setcsr(previous_); }

#else

FlushSubnormals::FlushSubnormals() = default;
FlushSubnormals::~FlushSubnormals() = default;

#endif

}  // namespace hotexpert::training
