// Is the composition honest? The same plans as virtual ranks (one thread, rank after rank, network
// modelled from a calibration here) and as two MPI processes, a core each. Prints each point's
// error and their median; floor: none, the yardstick is 15 %. Not a Google Benchmark: both sides
// are whole runs of the program.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "sim/base/json.hpp"
#include "sim/base/statistics.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing_support::ProgramResult;
using testing_support::run_hotexpert;

const std::string kFolder = "/tmp/hotexpert-bench-ranks";

Json sweep(const char* exec, const std::string& network) {
  const std::string dir = kFolder + "/" + exec;
  const ProgramResult result = run_hotexpert({"sweep",
                                              "scenarios/quickstart.toml",
                                              "--json",
                                              "-o",
                                              dir,
                                              "--ep.ranks",
                                              "2",
                                              "--ep.exec",
                                              exec,
                                              "--ep.network",
                                              network,
                                              "--backend",
                                              "cpu",
                                              "--threads",
                                              "1",
                                              "--layer.experts",
                                              "16",
                                              "--layer.d_model",
                                              "512",
                                              "--layer.d_ff",
                                              "512",
                                              "--step.tokens",
                                              "256,1024",
                                              "--step.count",
                                              "2",
                                              "--skew.target",
                                              "none",
                                              "--skew.model",
                                              "uniform,zipf:exponent=0.8,zipf:exponent=1.6",
                                              "--kernel",
                                              "grouped,loop",
                                              "--capacity.factor",
                                              "none",
                                              "--measure.control",
                                              "none",
                                              "--measure.budget_s",
                                              "0.5",
                                              "--measure.samples",
                                              "10"});
  if (result.exit_code != 0) throw std::runtime_error(result.err);
  return Json::parse(result.out, exec);
}

std::string label(const Json& point) {
  std::string text;
  for (const char* axis : {"skew.model", "step.tokens", "kernel"})
    text += fmt::format("{} ", point.at("point").at(axis).dump());
  return text;
}

double value(const Json& point, const char* metric) {
  return point.at("metrics").at(metric).at("value").as_double();
}

int compare() {
  std::filesystem::remove_all(kFolder);
  std::filesystem::create_directories(kFolder);
  const std::string network = kFolder + "/here.toml";
  const auto fitted = run_hotexpert({"calibrate", "network", "--ep.ranks", "2", "-o", network});
  if (fitted.exit_code != 0) throw std::runtime_error(fitted.err);
  const Json alone = sweep("virtual", network);
  const Json together = sweep("mpi", network);
  const auto& virtual_points = alone.at("points").as_array();
  const auto& real_points = together.at("points").as_array();
  std::vector<double> errors;
  fmt::print("{:<58}{:>14}{:>14}{:>9}\n", "point", "virtual, ms", "processes, ms", "error");
  for (std::size_t i = 0; i < virtual_points.size(); ++i) {
    if (real_points[i].at("outcome").as_string() != "ok")
      throw std::runtime_error(real_points[i].at("reason").as_string());
    const double composed = value(virtual_points[i], "layer.step_s");
    const double real = value(real_points[i], "layer.total_s");
    errors.push_back(std::abs(composed / real - 1));
    fmt::print("{:<58}{:>14.3f}{:>14.3f}{:>8.1f}%\n", label(virtual_points[i]), composed * 1e3,
               real * 1e3, 100 * (composed / real - 1));
  }
  fmt::print("median absolute error {:.1f} % of {} points (wanted: at most 15 %)\n",
             100 * median(errors), errors.size());
  return median(errors) <= 0.15 ? 0 : 1;
}

}  // namespace
}  // namespace hotexpert

int main() {
  try {
    return hotexpert::compare();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
