#include <benchmark/benchmark.h>

#include "profiler/annotate.hpp"
#include "profiler/clock.hpp"

namespace hotexpert {
namespace {

/// Cost of one annotated range when no tool listens. A layer pass has about six.
void AnnotatedRangeWithoutListener(benchmark::State& state) {
  for (auto _ : state) {
    const AnnotatedRange range(RangeName::kExpert);
    benchmark::ClobberMemory();
  }
  state.counters["tool_listens"] = annotations_wanted() ? 1 : 0;
}
BENCHMARK(AnnotatedRangeWithoutListener);

void AnnotatedRangeWithPayloadWithoutListener(benchmark::State& state) {
  const RangePayload payload{7, 4096, 113, 911, 1.25, "grouped"};
  for (auto _ : state) {
    const AnnotatedRange range(RangeName::kLayer, payload);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(AnnotatedRangeWithPayloadWithoutListener);

/// The floor: two reads of the clock, which every timed phase pays anyway.
void TwoClockReads(benchmark::State& state) {
  SteadyClock clock;
  for (auto _ : state) {
    benchmark::DoNotOptimize(clock.now_s());
    benchmark::DoNotOptimize(clock.now_s());
  }
}
BENCHMARK(TwoClockReads);

}  // namespace
}  // namespace hotexpert
