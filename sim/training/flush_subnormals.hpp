#pragma once

#include <cstdint>

namespace hotexpert::training {

/// While it lives, subnormal results and operands on this thread count as zero, as on a GPU. A
/// collapsing router drives gates and moments into the subnormal range, where arithmetic is up to a
/// hundred times slower. Restores the thread's mode; does nothing where the processor has no such
/// mode.
class FlushSubnormals {
 public:
  FlushSubnormals();
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  std::uint32_t previous_ = 0;
};

}  // namespace hotexpert::training
