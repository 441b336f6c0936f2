#include "profiler/machine_witness.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>

#include "profiler/clock.hpp"

namespace hotexpert {
namespace {

/// Each product needs the one before: bound by the processor's clock and nothing else.
std::uint64_t chained_products(std::uint64_t start) {
  constexpr int kProducts = 16'000;
  std::uint64_t x = start;
  for (int i = 0; i < kProducts; ++i) x = x * 6364136223846793005U + 1442695040888963407U;
  return x;
}

}  // namespace

double SystemWitness::waited_s() {
  namespace fs = std::filesystem;
  double waited_ns = 0;
  std::error_code error;
  for (const auto& task : fs::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(task.path() / "schedstat");
    double ran_ns = 0;
    double ready_ns = 0;
    if (file >> ran_ns >> ready_ns) waited_ns += ready_ns;
  }
  return 1e-9 * waited_ns;
}

double SystemWitness::probe_s() {
  static volatile std::uint64_t sink = 1;
  static SteadyClock clock;  // it measures its resolution when it is made
  double shortest_s = std::numeric_limits<double>::infinity();
  for (int attempt = 0; attempt < 3; ++attempt) {
    const double start_s = clock.now_s();
    sink = chained_products(sink);
    shortest_s = std::min(shortest_s, clock.now_s() - start_s);
  }
  return shortest_s;
}

}  // namespace hotexpert
