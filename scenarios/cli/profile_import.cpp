#include <fmt/format.h>

#include <map>

#include "profiler/nsight_counters.hpp"
#include "profiler/nsight_join.hpp"
#include "scenarios/cli/profile_output.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/device_file.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"

namespace hotexpert {
namespace {

Json row_of(const JoinedKernel& kernel) {
  Json row;
  row.set("stage", kernel.stage);
  if (kernel.layer_index >= 0) row.set("layer_range", kernel.layer_index);
  row.set("kernel", kernel.name).set("seconds", kernel.seconds);
  if (kernel.expert >= 0) row.set("expert", kernel.expert);
  if (kernel.rows >= 0) row.set("rows", kernel.rows);
  if (kernel.max_over_mean > 0) row.set("load.max_over_mean", kernel.max_over_mean);
  return row;
}

CommandTable import_nsys(const std::string& path, const std::vector<std::int64_t>& expert_rows) {
  const auto report = read_nsys_sqlite(path);
  const std::string kernel = report.layers.empty() ? "" : report.layers.front().kernel;
  CommandTable table;
  for (const auto& one : join_experts(joinable(report.kernels), expert_rows, kernel))
    table.rows.push_back(row_of(one));
  Json stages = Json::array();
  for (const auto& stage : stage_times(report.kernels))
    stages.push(Json::object()
                    .set("stage", stage.stage)
                    .set("seconds", stage.seconds)
                    .set("kernels", stage.kernels));
  table.extra.emplace_back("stages", std::move(stages));
  Json layers = Json::array();
  for (const auto& layer : report.layers) {
    Json entry;
    entry.set("host_seconds", 1e-9 * static_cast<double>(layer.end_ns - layer.begin_ns));
    if (layer.has_payload)
      entry.set("layer", layer.layer)
          .set("tokens", layer.tokens)
          .set("active_experts", layer.active_experts)
          .set("max_load", layer.max_load)
          .set("capacity_factor", layer.capacity_factor)
          .set("kernel", layer.kernel);
    layers.push(std::move(entry));
  }
  table.extra.emplace_back("layers", std::move(layers));
  if (!report.partial.empty()) {
    note(fmt::format("{}: {}", path, report.partial));
    table.extra.emplace_back("partial", report.partial);
  } else if (report.kernels.empty()) {
    note(fmt::format("{} holds no kernels: was the device traced (--trace=cuda,nvtx)?", path));
  }
  return table;
}

CommandTable import_ncu(const std::string& path, const std::string& text,
                        const std::vector<std::int64_t>& expert_rows) {
  const auto values = read_ncu_csv(text, path);
  std::map<std::int64_t, Json> metrics;  // by kernel, in the order of joinable()
  for (const auto& value : values) {
    auto& of_kernel = metrics.emplace(value.kernel_id, Json::object()).first->second;
    of_kernel.set(value.metric, Json::object().set("value", value.value).set("unit", value.unit));
  }
  CommandTable table;
  auto of_kernel = metrics.begin();
  for (const auto& one : join_experts(joinable(values), expert_rows))
    table.rows.push_back(row_of(one).set("metrics", (of_kernel++)->second));
  if (values.empty()) note(fmt::format("{} holds no metric that is a number", path));
  return table;
}

}  // namespace

void counter_metrics_of(const Arguments& arguments, const PlannedBatch& batch,
                        PointResult& result) {
  const std::string path = arguments.get("import");
  const std::string text = read_whole_file(path);
  const auto counters = text.starts_with("SQLite format 3")
                            ? std::nullopt
                            : expert_counters(read_ncu_csv(text, path));
  if (!counters)
    throw InputError(
        fmt::format("{}: -o needs gpu__time_duration.sum and dram__bytes.sum of every expert "
                    "kernel (`hotexpert "
                    "profile --emit ncu` prints the command that collects them)",
                    path));
  counter_metrics(*counters, batch.expert_flops, result);
  if (!arguments.has("roof"))
    note("without --roof DEVICE the report draws no roofline");
  else
    roof_metrics(read_device(arguments.get("roof")), batch.dtype, result);
}

int print_import(const Arguments& arguments, const std::vector<std::int64_t>& expert_rows) {
  const std::string path = arguments.get("import");
  const std::string text = read_whole_file(path);
  CommandTable table = text.starts_with("SQLite format 3") ? import_nsys(path, expert_rows)
                                                           : import_ncu(path, text, expert_rows);
  table.columns = {"stage", "layer_range", "kernel", "seconds", "expert", "rows"};
  if (expert_rows.empty())
    note("without a SCENARIO and --point the loads are unknown: kernels are not joined to experts");
  print_table(table, arguments);
  return 0;
}

}  // namespace hotexpert
