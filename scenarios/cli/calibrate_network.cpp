#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "scenarios/cli/calibrate_subjects.hpp"
#include "scenarios/cli/job_folder.hpp"
#include "scenarios/cli/mpi_jobs.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/output_file.hpp"
#include "sim/base/params.hpp"
#include "sim/base/statistics.hpp"
#include "sim/model/network_model.hpp"

namespace hotexpert {
namespace {

constexpr double kLimit_s = 120;

int rank_count(const Arguments& arguments) {
  if (!arguments.has("ep.ranks")) return std::clamp(available_threads(), 2, 8);
  const auto ranks = parse_integer(arguments.get("ep.ranks"), "ep.ranks");
  if (ranks < 2 || ranks > 4096)
    throw UsageError(fmt::format("ep.ranks: {} processes exchange nothing (2 to 4096)", ranks));
  return static_cast<int>(ranks);
}

std::vector<NetworkSample> time_network(int ranks) {
  const JobFolder folder;
  const std::string path = folder.file("network.json");
  run_processes(ranks, {"--network", path}, kLimit_s);
  return network_samples_from_json(Json::parse(read_whole_file(path), path));
}

std::string network_toml(const NetworkDescription& network, double median_error) {
  return fmt::format(
      "# Written by `hotexpert calibrate network`: exchanges between processes of this machine.\n"
      "# The fit is {:.0f} % off the timed exchanges (median). Between nodes nothing was timed: "
      "the\n"
      "# inter-node rate is the intra-node one. Put in the rate of your links and remove "
      "inter_assumed.\n"
      "name = \"{}\"\nsource = \"{}\"\nranks_per_node = {}\nstart_s = {}\nmessage_s = {}\n"
      "intra_bytes_per_s = {:.6g}\ninter_bytes_per_s = {:.6g}\ninter_assumed = true\n",
      100 * median_error, network.name, network.source, network.ranks_per_node,
      shortest(network.start_s), shortest(network.message_s), network.intra_bytes_per_s,
      network.inter_bytes_per_s);
}

Json to_row(const NetworkSample& sample, double modelled) {
  const auto most = *std::max_element(sample.traffic.rows.begin(), sample.traffic.rows.end());
  return Json::object()
      .set("largest_message_bytes", static_cast<double>(most) * sample.row_bytes)
      .set("measured_s", sample.seconds)
      .set("modelled_s", modelled)
      .set("error", modelled / sample.seconds - 1);
}

}  // namespace

int calibrate_network_here(const Arguments& arguments) {
  const int ranks = rank_count(arguments);
  const std::string output = arguments.get("output", "network.toml");
  note(fmt::format("timing exchanges between {} processes", ranks));
  const auto samples = time_network(ranks);
  NetworkDescription network{"this-machine", "", ranks, 0, 0, 1e12, 1e12, false};
  network.name = arguments.get("name", std::filesystem::path(output).stem().string());
  network = calibrate_network(std::move(network), samples);

  CommandTable table;
  table.columns = {"largest_message_bytes", "measured_s", "modelled_s", "error"};
  std::vector<double> errors;
  for (const auto& sample : samples) {
    const double modelled = dispatch_time(network, sample.traffic, sample.row_bytes).seconds;
    table.rows.push_back(to_row(sample, modelled));
    errors.push_back(std::abs(modelled / sample.seconds - 1));
  }
  write_file(system_files(), output, network_toml(network, median(errors)));
  table.extra = {{"network", to_json(network)},
                 {"ep.ranks", ranks},
                 {"median_abs_error", median(errors)},
                 {"provenance", "measured"},
                 {"inter_provenance", "assumed: the rate inside a node"}};
  print_table(table, arguments);
  note(
      fmt::format("wrote {}: start {}, a message {}, {:.3g} GB/s; the fit is {:.0f} % off (median)",
                  output, duration_text(network.start_s), duration_text(network.message_s),
                  network.intra_bytes_per_s * 1e-9, 100 * median(errors)));
  note("between nodes nothing was timed; the file says so, and points on several nodes warn");
  return 0;
}

}  // namespace hotexpert
