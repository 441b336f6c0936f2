#include <fmt/format.h>

#include <array>
#include <functional>

#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/plugin/expert_plugin.hpp"
#include "profiler/layer_backend.hpp"
#include "reports/exporters.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/explain_kernels.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/runner/axes.hpp"
#include "scenarios/runner/presets.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/core/metric_catalogue.hpp"
#include "sim/model/network_model.hpp"
#include "sim/placement/expert_map.hpp"
#include "sim/placement/placement_method.hpp"
#include "sim/routing/capacity_rule.hpp"
#include "sim/routing/drop_policy.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/skew_model.hpp"
#include "sim/traces/writers/writer.hpp"
#include "sim/training/balancing_method.hpp"
#include "sim/training/training_task.hpp"

namespace hotexpert {
namespace {

/// "exponent=1 (0 to 10): Zipf exponent; ..."
std::string params_text(std::span<const ParamSpec> params) {
  std::string text;
  for (const auto& param : params) {
    text +=
        fmt::format("{}{}={}", text.empty() ? "" : "; ", param.name,
                    param.words.empty() ? shortest(param.default_value) : std::string(param.words));
    text += fmt::format(" ({})", param.help);
  }
  return text;
}

template <class Rows>
CommandTable family_table(const Rows& rows) {
  CommandTable table;
  table.columns = {"name", "summary"};
  for (const auto& row : rows) {
    Json json = Json::object().set("name", row.name).set("summary", row.summary);
    if constexpr (requires { row.params; }) {
      if (table.columns.size() == 2) table.columns.emplace_back("parameters");
      json.set("parameters", params_text(row.params));
    }
    table.rows.push_back(std::move(json));
  }
  return table;
}

CommandTable axis_table() {
  CommandTable table;
  table.columns = {"name", "default", "unit", "help"};
  for (const auto& axis : axes()) {
    table.rows.push_back(Json::object()
                             .set("name", axis.name)
                             .set("default", axis.default_value)
                             .set("unit", axis.unit)
                             .set("help", axis.help));
  }
  return table;
}

CommandTable preset_table() {
  CommandTable table;
  table.columns = {"name",       "layer.experts",        "layer.top_k", "layer.d_model",
                   "layer.d_ff", "layer.shared_experts", "moe_layers",  "summary"};
  for (const auto& row : presets()) {
    table.rows.push_back(Json::object()
                             .set("name", row.name)
                             .set("layer.experts", row.num_experts)
                             .set("layer.top_k", row.top_k)
                             .set("layer.d_model", row.d_model)
                             .set("layer.d_ff", row.d_ff)
                             .set("layer.shared_experts", row.num_shared_experts)
                             .set("moe_layers", row.moe_layers)
                             .set("summary", row.summary));
  }
  return table;
}

CommandTable metric_table() {
  CommandTable table;
  table.columns = {"name", "unit", "better", "definition"};
  constexpr std::array<std::string_view, 3> kBetter = {"lower", "higher", "neither"};
  for (const auto& row : metric_catalogue()) {
    table.rows.push_back(Json::object()
                             .set("name", row.name)
                             .set("unit", row.unit)
                             .set("better", kBetter[static_cast<std::size_t>(row.better)])
                             .set("definition", row.definition));
  }
  return table;
}

CommandTable method_table() {
  CommandTable table = family_table(training::balancing_methods());
  table.columns.emplace_back("convention");
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    table.rows[i].set("convention", training::balancing_methods()[i].convention);
  }
  return table;
}

CommandTable backend_table() {
  CommandTable table;
  table.columns = {"name", "summary", "here"};
  for (const auto& row : layer_backends()) {
    const auto info = row.make({})->info();
    table.rows.push_back(
        Json::object()
            .set("name", row.name)
            .set("summary", row.summary)
            .set("here", info.unavailable.empty() ? info.device : info.unavailable));
  }
  table.rows.push_back(Json::object()
                           .set("name", "none")
                           .set("summary", "counted metrics only")
                           .set("here", "always"));
  return table;
}

/// The kernels of every backend; a name may be in several.
CommandTable kernel_table() {
  CommandTable table;
  table.columns = {"backend", "name", "summary", "parameters"};
  const auto add = [&](std::string_view backend, const auto& rows) {
    for (const auto& row : rows) {
      table.rows.push_back(Json::object()
                               .set("backend", backend)
                               .set("name", row.name)
                               .set("summary", row.summary)
                               .set("parameters", params_text(row.params)));
    }
    table.rows.push_back(Json::object()
                             .set("backend", backend)
                             .set("name", kPluginKernel)
                             .set("summary", kPluginSummary)
                             .set("parameters", kPluginParameters));
  };
  add("cpu", cpu_kernels());
  add("cuda", cuda_kernels());
  return table;
}

struct FamilyRow {
  std::string_view name;
  std::string_view summary;
  CommandTable (*table)();
};

constexpr std::array kFamilies = {
    FamilyRow{"axes", "what a sweep can vary", axis_table},
    FamilyRow{"presets", "layer shapes of published models", preset_table},
    FamilyRow{"skew-models", "how popular experts are", [] { return family_table(skew_models()); }},
    FamilyRow{"importers", "recordings that trace import understands",
              [] { return family_table(importers()); }},
    FamilyRow{"trace-writers", "formats that trace export writes",
              [] { return family_table(trace_writers()); }},
    FamilyRow{"capacity-rules", "whose definition of the capacity factor",
              [] { return family_table(kCapacityRules); }},
    FamilyRow{"drop-policies", "which assignments are dropped",
              [] { return family_table(kDropPolicies); }},
    FamilyRow{"placement-methods", "how experts are placed on ranks",
              [] { return family_table(placement_methods()); }},
    FamilyRow{"networks", "what connects ranks, from stated hardware numbers",
              [] { return family_table(network_presets()); }},
    FamilyRow{"expert-map-formats", "expert maps of serving frameworks",
              [] { return family_table(expert_map_formats()); }},
    FamilyRow{"balancing-methods", "what keeps a router balanced, and what its weight multiplies",
              method_table},
    FamilyRow{"training-tasks", "what the router lab learns",
              [] { return family_table(training::training_tasks()); }},
    FamilyRow{"kernels", "expert kernels of the CPU and CUDA backends", kernel_table},
    FamilyRow{"backends", "what can run the layer here", backend_table},
    FamilyRow{"metrics", "every number a result may hold", metric_table},
    FamilyRow{"exporters", "report formats", [] { return family_table(exporters()); }},
};

}  // namespace

CommandSyntax list_syntax() {
  auto options = table_options();
  options.push_back({"explain", "SHAPE",
                     "what each CUDA kernel would launch for a shape: "
                     "qwen3-30b-a3b:tokens=8192:sm=90"});
  return {"[FAMILY]", 0, 1, options, {}, {{"[FAMILY]", "what to list [the families]"}}};
}

int list_run(const Arguments& arguments) {
  if (arguments.has("explain")) {
    if (!arguments.positional.empty() && arguments.positional.front() != "kernels")
      throw UsageError("--explain belongs to `hotexpert list kernels`");
    print_table(explain_cuda_kernels(arguments.get("explain")), arguments);
    return 0;
  }
  print_table(arguments.positional.empty()
                  ? family_table(kFamilies)
                  : find_row(kFamilies, "family", arguments.positional.front()).table(),
              arguments);
  return 0;
}

}  // namespace hotexpert
