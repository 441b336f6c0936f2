#include <fmt/format.h>

#include <iterator>

#include "sim/base/errors.hpp"
#include "sim/base/json_items.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"

namespace hotexpert::formats {

bool sniff_selections(const ImportSource& source) {
  const auto text = source.beginning();
  return text.find("\"selections\"") != std::string_view::npos &&
         text.find("\"expertsPerLayer\"") != std::string_view::npos;
}

/// {"expertsPerLayer": E, "layers": L, "selections": [token][layer][slot]}, a token at a time.
Recording read_selections(const ImportSource& source, const ImportOptions&) {
  TokenTable table(source.path());
  std::int64_t tokens = 0;
  std::int64_t layers = 0;  // of the first token
  const auto refuse = [&](std::int64_t token, std::int64_t has, std::int64_t wanted) {
    throw InputError(
        fmt::format("{}: token {} has {} layers, not {}", source.path(), token, has, wanted));
  };
  const auto add = [&](const Json& token, const std::string&) {
    const auto& rows = token.as_array();
    if (tokens == 0) layers = std::ssize(rows);
    if (std::ssize(rows) != layers) refuse(tokens, std::ssize(rows), layers);
    for (std::size_t layer = 0; layer < rows.size(); ++layer) {
      const auto where = fmt::format("{}: token {}, layer {}", source.path(), tokens, layer);
      table.add(static_cast<std::int64_t>(layer), json_ids(rows[layer], where), {});
    }
    ++tokens;
  };
  const Json json = parse_json_items(source.text(), source.path(), {{"selections", add}});
  (void)json.at("selections").as_array();
  const auto experts = json.at("expertsPerLayer").as_integer();
  if (experts < 1 || experts > kMaxExperts) {
    throw InputError(fmt::format("{}: expertsPerLayer = {} is not in 1 to {}", source.path(),
                                 experts, kMaxExperts));
  }
  if (const auto named = json.at("layers").as_integer(); tokens > 0 && layers != named)
    refuse(0, layers, named);
  auto out = recording_from_table(table);
  out.arrays->num_experts = static_cast<int>(experts);
  return out;
}

}  // namespace hotexpert::formats
