#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "profiler/machine_witness.hpp"
#include "profiler/measure.hpp"
#include "scenarios/selftest/self_check.hpp"
#include "scenarios/selftest/small_layer.hpp"

namespace hotexpert {
namespace {

constexpr int kRuns = 40;

/// This thread on one processor alone, and where it was before.
class PinnedThread {
 public:
  PinnedThread() {
    CPU_ZERO(&before_);
    sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(std::max(0, sched_getcpu())), &one);
    sched_setaffinity(0, sizeof(one), &one);
  }
  ~PinnedThread() { sched_setaffinity(0, sizeof(before_), &before_); }
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;

 private:
  cpu_set_t before_{};
};

/// A process that does nothing but use the processor this thread is pinned to.
class Neighbour {
 public:
  Neighbour() : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (volatile unsigned long turns = 0;;) turns = turns + 1;
  }
  ~Neighbour() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

 private:
  pid_t pid_;
};

/// Of kRuns measurements of a small layer, those with a doubt about the machine.
int flagged_runs() {
  const auto backend = layer_backends().front().make({1, {}});
  LayerShape shape;
  shape.d_model = 128;
  shape.d_ff = 128;
  SmallLayer small(*backend, shape, "grouped", 768);
  SteadyClock clock;
  SystemWitness witness;
  MeasureOptions options;
  options.min_samples = options.max_samples = 30;
  options.max_warmup_windows = 3;
  options.witness = &witness;
  const std::array arms = {Arm{"layer", [&] { return small.layer->run(small.handle); }}};
  int flagged = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto result = measure(arms, options, clock);
    flagged += std::ranges::any_of(result.warnings, [](const MeasureWarning& warning) {
      return warning.doubt == MeasureDoubt::kNeighbour ||
             warning.doubt == MeasureDoubt::kClockChange;
    });
  }
  return flagged;
}

SelfCheckAnswer counted(std::string what, int found, int least, int most, std::string note) {
  const double middle = (least + most) / 2.0;
  return {.what = std::move(what),
          .found = static_cast<double>(found),
          .expected = middle,
          .tolerance = middle - least,
          .note = fmt::format("of {}, {} to {} allowed{}", kRuns, least, most, note)};
}

}  // namespace

std::vector<SelfCheckAnswer> check_loaded_core() {
  const PinnedThread pinned;
  const int idle = flagged_runs();
  const Neighbour neighbour;
  const int loaded = flagged_runs();
  return {counted("runs on an idle core that are flagged", idle, 0, 2,
                  "; more means that this machine is not idle"),
          counted("runs beside a busy process on the same core that are flagged", loaded, 38, kRuns,
                  "")};
}

}  // namespace hotexpert
