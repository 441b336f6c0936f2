#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "profiler/clock.hpp"
#include "reports/gate/gate.hpp"
#include "reports/gate/gate_output.hpp"
#include "reports/gate/power.hpp"
#include "reports/gate/rounds.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/remeasure.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/output_file.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

/// "5%" or "0.05" as a fraction.
double read_fraction(const std::string& text, std::string_view option) {
  const bool percent = !text.empty() && text.back() == '%';
  const double value =
      parse_double(percent ? text.substr(0, text.size() - 1) : text, option) / (percent ? 100 : 1);
  if (!(value > 0 && value < 1e6))
    throw UsageError(fmt::format("{}: '{}' is not a share like 5% or 0.05", option, text));
  return value;
}

GateOptions read_options(const Arguments& arguments) {
  GateOptions options;
  options.metric = arguments.get("metric", options.metric);
  if (arguments.has("threshold"))
    options.threshold = read_fraction(arguments.get("threshold"), "--threshold");
  if (arguments.has("fail-on"))
    options.fail_on = read_fraction(arguments.get("fail-on"), "--fail-on");
  options.across_machines = arguments.has("across-machines");
  return options;
}

constexpr double kSelfCheck_s = 30;  ///< for each set of comparisons, where the layer permits
constexpr int kMinComparisons = 20;
constexpr int kMaxComparisons = 100;
constexpr double kTooLong_s = 300;

/// Why the base is not timed again, before anything is tried; "" = it may be.
std::string kept_from_measuring(const std::string& base_dir, const GateOptions& options) {
  if (options.metric != "layer.total_s") return "only layer.total_s is";
  if (!std::filesystem::exists(base_dir + "/manifest.json"))
    return "its samples are medians of rounds";
  return "";
}

/// What a comparison takes now, which on a busy machine is more than the base's times say.
double timed(const Remeasurement& again) {
  SteadyClock clock;
  const double start_s = clock.now_s();
  again.measure(1);
  return clock.now_s() - start_s;
}

/// Comparisons of equals and of known slowdowns: of the base's noisiest point, timed again where
/// it can be, else of its stored samples, which is said.
GatePower self_check(const Run& base, const std::string& base_dir, const GateOptions& options) {
  const PointResult& noisiest = noisiest_point(base, options);
  Remeasurement again;
  again.reason = kept_from_measuring(base_dir, options);
  if (again.reason.empty()) again = remeasure(base, noisiest);
  if (again.measure && again.comparison_s * kMinComparisons <= kTooLong_s)
    again.comparison_s = timed(again);
  if (again.measure && again.comparison_s * kMinComparisons > kTooLong_s) {
    again.measure = {};
    again.reason = fmt::format("{} comparisons of it take more than {}", kMinComparisons,
                               duration_text(kTooLong_s));
  }
  if (!again.measure) {
    GatePower power = power_of(base, options);
    power.origin += fmt::format(" (not timed again: {})", printable(again.reason));
    return power;
  }
  const int repetitions = std::clamp(static_cast<int>(kSelfCheck_s / again.comparison_s),
                                     kMinComparisons, kMaxComparisons);
  Progress progress(std::int64_t{2} * repetitions);
  std::int64_t done = 0;
  const PairMeasurer shown = [&](double slowdown) {
    progress.show(std::min(done++, std::int64_t{2} * repetitions),
                  slowdown > 1 ? "timing a known slowdown" : "timing the base against itself");
    return again.measure(slowdown);
  };
  GatePower power =
      measure_power_anew(shown, options, repetitions, [] { return caught_signal() != 0; });
  power.origin = "the noisiest point timed again";
  return power;
}

}  // namespace

CommandSyntax compare_syntax() {
  return {"BASE_DIR NEW_DIR",
          2,
          2,
          {{"fail-on", "SHARE",
            "exit 1 when a point, or all points of one skew, got slower by more: 5%"},
           {"threshold", "SHARE", "smaller changes count as the same [1%]"},
           {"metric", "NAME", "metric to compare [layer.total_s]"},
           {"across-machines", "", "compare although the machines differ"},
           {"self-check", "",
            "first time the base's noisiest point against itself and against known slowdowns (else "
            "use its stored samples); refuse a --fail-on below what that can show"},
           {"junit", "FILE", "also write JUnit XML, a test case a pair"},
           {"md", "", "print the sentences and the table as Markdown"},
           {"json", "", "print one JSON object, pairs under \"rows\""}},
          {},
          {{"BASE_DIR", "run folder to compare against"},
           {"NEW_DIR", "run folder that is judged; points pair by their axes"}}};
}

int compare_run(const Arguments& arguments) {
  const auto [base, now] = read_sides(arguments.positional[0], arguments.positional[1]);
  const GateOptions options = read_options(arguments);
  std::optional<GatePower> power;
  if (arguments.has("self-check")) {
    power = self_check(base, arguments.positional[0], options);
    if (caught_signal() != 0) return 128 + caught_signal();
    for (const auto& sentence : power_sentences(*power)) note(sentence);
    require_power(*power, options);
  }
  const GateResult result = compare_runs(base, now, options);
  if (arguments.has("junit"))
    write_file(system_files(), arguments.get("junit"), gate_junit(result));
  if (arguments.has("json")) {
    Json out = gate_json(result);
    if (power) out.set("self_check", power_json(*power));
    write_stdout(out.dump() + "\n");
  } else if (arguments.has("md")) {
    write_stdout(gate_markdown(result));
  } else {
    std::string text;
    for (const auto& sentence : gate_sentences(result)) text += "- " + printable(sentence) + "\n";
    write_stdout(text);
  }
  return static_cast<int>(result.regressions.empty() ? ExitCode::kDone : ExitCode::kPointsFailed);
}

}  // namespace hotexpert
