#include "scenarios/cli/rank_speeds_table.hpp"

#include <fmt/format.h>

#include <string>

#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {

Json to_json(const std::vector<std::vector<double>>& seconds) {
  Json ranks = Json::array();
  for (const auto& rank : seconds) ranks.push(Json::array_of(rank));
  return Json::object().set("seconds", std::move(ranks));
}

std::vector<std::vector<double>> rank_seconds_from_json(const Json& json) {
  std::vector<std::vector<double>> seconds;
  for (const Json& rank : json.at("seconds").as_array()) {
    auto& own = seconds.emplace_back();
    for (const Json& value : rank.as_array()) {
      own.push_back(value.as_double());
      if (!(own.back() > 0)) throw InputError("rank speeds: a time is not above 0");
    }
    if (own.empty()) throw InputError("rank speeds: a rank has no times");
  }
  if (seconds.empty()) throw InputError("rank speeds: no rank was timed");
  return seconds;
}

void print_rank_speeds(const std::vector<std::vector<double>>& seconds,
                       const Arguments& arguments) {
  std::vector<double> medians;
  for (const auto& rank : seconds) medians.push_back(median(rank));
  const double typical_s = median(medians);
  CommandTable table;
  table.columns = {"rank", "seconds", "low", "high", "speed"};
  std::string speeds;
  for (std::size_t rank = 0; rank < seconds.size(); ++rank) {
    const auto interval = median_interval(seconds[rank]);
    Json row = Json::object();
    row.set("rank", static_cast<std::int64_t>(rank)).set("seconds", medians[rank]);
    row.set("low", interval ? Json(interval->low) : Json());
    row.set("high", interval ? Json(interval->high) : Json());
    row.set("speed", typical_s / medians[rank]);
    table.rows.push_back(std::move(row));
    if (!interval || (interval->low <= typical_s && typical_s <= interval->high)) continue;
    speeds +=
        fmt::format("{}{}={:.3g}", speeds.empty() ? "" : "+", rank, typical_s / medians[rank]);
  }
  if (speeds.empty()) speeds = "none";
  table.extra = {{"ep.ranks", static_cast<std::int64_t>(seconds.size())},
                 {"ep.speeds", speeds},
                 {"provenance", "measured"}};
  print_table(table, arguments);
  note(speeds == "none" ? std::string("no rank can be told from the median one: --ep.speeds none")
                        : fmt::format("ranks beyond doubt faster or slower than the median one: "
                                      "--ep.speeds {}",
                                      speeds));
}

}  // namespace hotexpert
