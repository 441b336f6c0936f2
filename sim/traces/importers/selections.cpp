#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"

namespace hotexpert::formats {

bool sniff_selections(const ImportSource& source) {
  const auto text = source.beginning();
  return text.find("\"selections\"") != std::string_view::npos &&
         text.find("\"expertsPerLayer\"") != std::string_view::npos;
}

/// {"expertsPerLayer": E, "layers": L, "selections": [token][layer][slot]}
Recording read_selections(const ImportSource& source, const ImportOptions&) {
  const Json json = Json::parse(source.text(), source.path());
  const auto experts = json.at("expertsPerLayer").as_integer();
  const auto layers = json.at("layers").as_integer();
  if (experts < 1 || experts > kMaxExperts) {
    throw InputError(fmt::format("{}: expertsPerLayer = {} is not in 1 to {}", source.path(),
                                 experts, kMaxExperts));
  }
  TokenTable table(source.path());
  std::int64_t number = 0;
  for (const auto& token : json.at("selections").as_array()) {
    const auto& rows = token.as_array();
    if (static_cast<std::int64_t>(rows.size()) != layers) {
      throw InputError(fmt::format("{}: token {} has {} layers, not {}", source.path(), number,
                                   rows.size(), layers));
    }
    for (std::size_t layer = 0; layer < rows.size(); ++layer) {
      const auto where = fmt::format("{}: token {}, layer {}", source.path(), number, layer);
      table.add(static_cast<std::int64_t>(layer), json_ids(rows[layer], where), {});
    }
    ++number;
  }
  auto out = recording_from_table(table);
  out.arrays->num_experts = static_cast<int>(experts);
  return out;
}

}  // namespace hotexpert::formats
