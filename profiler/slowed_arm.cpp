#include "profiler/slowed_arm.hpp"

#include <utility>

namespace hotexpert {

Arm slowed_arm(Arm arm, double factor, Clock& clock) {
  return {std::move(arm.name), [run = std::move(arm.run), factor, &clock] {
            const double start_s = clock.now_s();
            PhaseTimes times = run();
            const double end_s = start_s + (clock.now_s() - start_s) * factor;
            while (factor > 1 && clock.now_s() < end_s) {
            }
            times.total_s = clock.now_s() - start_s;
            return times;
          }};
}

}  // namespace hotexpert
