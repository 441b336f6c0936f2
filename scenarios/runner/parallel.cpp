#include "scenarios/runner/parallel.hpp"

#include <sched.h>

namespace hotexpert {

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int allowed = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
  return std::max(1, allowed > 0 ? allowed : static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace hotexpert
