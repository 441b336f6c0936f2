// Writes the run folders and pages that the browser test opens: hotexpert_report_fixture FOLDER
#include <cstdio>
#include <filesystem>
#include <string>

#include "reports/exporters.hpp"
#include "reports/section.hpp"
#include "tests/reports/fake_quickstart.hpp"

int main(int argc, char** argv) {
  using namespace hotexpert;
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  std::filesystem::remove_all(folder);
  const auto write = [&](const std::string& name, std::vector<Run> runs) {
    const auto comparison = make_comparison(std::move(runs));
    for (const auto& exporter : exporters())
      write_report(comparison, folder + "/" + name + "." + std::string(exporter.name));
    for (const auto& finding : findings(comparison)) std::printf("%s\n", finding.text.c_str());
  };
  test_support::write_quickstart_run(folder + "/quickstart");
  test_support::write_recorded_run(folder + "/recorded");
  write("quickstart_report", {read_run(folder + "/quickstart")});
  write("recorded_report", {read_run(folder + "/recorded")});
}
