// Writes the run folders and pages that the browser test opens: hotexpert_report_fixture FOLDER
#include <filesystem>
#include <string>

#include "reports/exporters.hpp"
#include "reports/section.hpp"
#include "reports/text_escape.hpp"
#include "sim/base/file_ops.hpp"
#include "sim/base/output_file.hpp"
#include "sim/placement/placement_method.hpp"
#include "sim/placement/placement_score.hpp"
#include "tests/reports/fake_drops.hpp"
#include "tests/reports/fake_lab.hpp"
#include "tests/reports/fake_model.hpp"
#include "tests/reports/fake_profile.hpp"
#include "tests/reports/fake_quickstart.hpp"
#include "tests/reports/fake_ranks.hpp"
#include "tests/reports/fake_run.hpp"
#include "tests/reports/hostile_names.hpp"

namespace {

/// What a real point of a sweep has beside load and time.
void add_metrics(double skew, hotexpert::PointResult& point) {
  using namespace hotexpert;
  for (const char* metric : {"layer.balanced_total_s", "layer.imbalance_tax", "layer.route_s",
                             "layer.permute_s", "layer.expert_ffn_s", "layer.combine_s"}) {
    const double value = 0.003 * skew;
    point.measurements.push_back(
        {metric, value, Provenance::kMeasured, {}, Interval{0.99 * value, 1.02 * value}, {}});
  }
  for (const char* metric : {"load.cv", "load.gini", "load.active_experts", "drop.floor_fraction",
                             "drop.assignment_fraction", "rows.padding_fraction"}) {
    const double value = 0.1 / skew;
    point.measurements.push_back({metric,
                                  value,
                                  Provenance::kCounted,
                                  {},
                                  {},
                                  Percentiles{value, 1.1 * value, 1.2 * value, 1.3 * value}});
  }
}

/// 100,000 points: 100 skews x 10 kernels x 100 seeds.
hotexpert::Run large_run() {
  using namespace hotexpert;
  Run run{"large", test_support::small_manifest(), {}, {}};
  for (int seed = 0; seed < 100; ++seed) {
    for (int kernel = 0; kernel < 10; ++kernel) {
      for (int skew = 0; skew < 100; ++skew) {
        auto point = test_support::small_point(1 + skew * 0.03, "kernel" + std::to_string(kernel));
        point.point.push_back({"seed", Json(seed)});
        point.point.push_back({"capacity.factor", Json(1 + seed % 4 * 0.25)});
        add_metrics(1 + skew * 0.03, point);
        run.points.push_back(std::move(point));
      }
    }
  }
  return run;
}

/// What `hotexpert place` answers for the quickstart's most skewed batch: max/mean rank load of
/// eplb for every number of ranks and copies that the page's sliders can be at and eplb takes.
hotexpert::Json placed_by_eplb(const hotexpert::Run& run) {
  using namespace hotexpert;
  const std::vector<double>* hottest = nullptr;
  double most = 0;
  for (const auto& point : run.points) {
    const auto* skew = point.find("load.max_over_mean");
    if (skew == nullptr || skew->value <= most) continue;
    for (const auto& series : point.series) {
      if (series.metric != "load.measured_batch") continue;
      most = skew->value;
      hottest = &series.values;
    }
  }
  const int experts = static_cast<int>(hottest->size());
  Json answers = Json::array();
  for (int ranks = 1; ranks <= experts; ++ranks) {
    for (int copies = 0; copies <= experts; ++copies) {
      if ((experts + copies) % ranks != 0) continue;
      PlacementTarget target;
      target.ranks = ranks;
      target.slots = experts + copies;
      const auto placed =
          PlacementMethod::parse("eplb").place({.load = *hottest, .target = target});
      const auto score = score_placement(placed.placement, *hottest, target);
      Json answer;
      answer.set("ranks", ranks).set("copies", copies);
      answers.push(answer.set("max_over_mean", score.max_over_mean));
    }
  }
  return answers;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace hotexpert;
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  std::filesystem::remove_all(folder);
  const auto write = [&](const std::string& name, std::vector<Run> runs) {
    const auto comparison = make_comparison(std::move(runs));
    write_report(comparison, folder + "/" + name + ".html");
    write_report(comparison, folder + "/" + name + ".md");
    if (comparison.points.size() < 1000) write_report(comparison, folder + "/" + name + ".json");
  };
  test_support::write_quickstart_run(folder + "/quickstart");
  write_file(system_files(), folder + "/placed_by_eplb.json",
             placed_by_eplb(read_run(folder + "/quickstart")).dump());
  test_support::write_recorded_run(folder + "/recorded");
  write("quickstart_report", {read_run(folder + "/quickstart")});
  write("recorded_report", {read_run(folder + "/recorded")});
  test_support::write_drops_run(folder + "/drops");
  write("drops_report", {read_run(folder + "/drops")});
  test_support::write_capacity_run(folder + "/capacity");
  write("capacity_report", {read_run(folder + "/capacity")});
  test_support::write_hostile_run(folder + "/hostile");
  write("hostile_report", {read_run(folder + "/hostile")});
  // Each name once more as a run's title: what tells several runs apart.
  std::vector<Run> hostile_runs;
  for (std::size_t title = 0; title < test_support::hostile_names().size(); ++title) {
    hostile_runs.push_back(read_run(folder + "/hostile"));
    hostile_runs.back().manifest.set("title", test_support::hostile_names()[title]);
    hostile_runs.back().points.resize(6);
  }
  write("hostile_runs_report", std::move(hostile_runs));
  Json names = Json::array();
  for (const auto& hostile : test_support::hostile_names()) names.push(visible_text(hostile));
  write_file(system_files(), folder + "/hostile_names.json", names.dump());
  test_support::write_quickstart_run(folder + "/slower", 2, 1.6);
  write("two_runs_report", {read_run(folder + "/quickstart"), read_run(folder + "/slower")});
  test_support::write_ranks_run(folder + "/ranks");
  write("ranks_report", {read_run(folder + "/ranks")});
  test_support::write_profile_run(folder + "/profile");
  write("profile_report", {read_run(folder + "/profile")});
  test_support::write_lab_run(folder + "/lab");
  write("lab_report", {read_run(folder + "/lab")});
  test_support::write_price_run(folder + "/price");
  test_support::write_validation_run(folder + "/validation");
  test_support::write_league_run(folder + "/league");
  test_support::write_verdict_run(folder + "/verdict");
  for (const char* name : {"price", "validation", "league", "verdict"})
    write(std::string(name) + "_report", {read_run(folder + "/" + name)});
  write("large_report", {large_run()});
}
