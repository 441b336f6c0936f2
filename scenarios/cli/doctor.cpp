#include <fmt/format.h>

#include "profiler/doctor.hpp"
#include "profiler/environment.hpp"
#include "profiler/layer_backend.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/table.hpp"

namespace hotexpert {

CommandSyntax doctor_syntax() { return {"", 0, 0, table_options(), {}}; }

int doctor_run(const Arguments& arguments) {
  CommandTable table;
  table.columns = {"check", "state", "what"};
  const auto add = [&](const std::string& check, const std::string& state,
                       const std::string& what) {
    table.rows.push_back(Json::object().set("check", check).set("state", state).set("what", what));
  };
  for (const auto& row : layer_backends()) {
    const auto info = row.make({})->info();
    add(fmt::format("backend {}", row.name), info.unavailable.empty() ? "ok" : "missing",
        info.unavailable.empty() ? info.device : info.unavailable);
  }
  Json environment = environment_record();
  for (const auto& check : doctor_checks(environment)) {
    add(std::string(check.name), std::string(name(check.health)), check.sentence);
  }
  table.extra.emplace_back("environment", std::move(environment));
  print_table(table, arguments);
  return 0;
}

}  // namespace hotexpert
