#include <array>

#include "profiler/cupti_api.hpp"

namespace hotexpert {

std::span<const CounterRow> counter_metrics() {
  static constexpr std::array kRows = {
      CounterRow{"gpu__time_duration.sum", "duration", "ns the kernel took on the device"},
      CounterRow{"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active", "tensor pipes",
                 "% of active cycles in which tensor pipes worked: low while busy means stalls"},
      CounterRow{"dram__bytes.sum", "device memory traffic", "bytes read and written"},
      CounterRow{"dram__bytes.sum.pct_of_peak_sustained_elapsed", "device memory bandwidth",
                 "% of the peak: near 100 means weights or rows bound the kernel"},
      CounterRow{"sm__cycles_active.min", "least busy multiprocessor", "cycles with work"},
      CounterRow{"sm__cycles_active.avg", "average multiprocessor", "cycles with work"},
      CounterRow{"sm__cycles_active.max", "busiest multiprocessor",
                 "cycles with work; max / avg is the hardware's own imbalance"},
      CounterRow{"sm__warps_active.avg.pct_of_peak_sustained_active", "warps",
                 "% of the warps a multiprocessor can hold"},
      CounterRow{"lts__t_bytes.sum", "L2 traffic", "bytes through the L2 cache"},
  };
  return kRows;
}

}  // namespace hotexpert
