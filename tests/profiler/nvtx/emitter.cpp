// Emits a few ranges, to be recorded by an injection library in a process of its own.
#include <cstdio>

#include "profiler/annotate.hpp"

int main() {
  using namespace hotexpert;
  const AnnotatedRange sweep(RangeName::kSweep);
  const AnnotatedRange point(RangeName::kPoint);
  const AnnotatedRange step(RangeName::kStep);
  {
    const AnnotatedRange layer(RangeName::kLayer,
                               {7, 4096, 113, 911, 1.25, "grouped-sm90:order=hot-first"});
    const AnnotatedRange stage(RangeName::kExpert);
  }
  {
    const AnnotatedRange layer(
        RangeName::kLayer,
        {8, 256, 128, 16, 0, "a-kernel-name-of-more-than-forty-seven-bytes-is-cut"});
    const AnnotatedRange stage(RangeName::kAllToAll);
  }
  std::puts(annotations_wanted() ? "wanted" : "not wanted");
}
