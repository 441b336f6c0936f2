#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "sim/base/errors.hpp"
#include "sim/placement/expert_map.hpp"

namespace hotexpert {
namespace {

struct Line {
  int number = 0;
  std::size_t indent = 0;
  std::string_view text;  ///< without indent, comment and trailing space; not empty
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<Line> content_lines(std::string_view text) {
  std::vector<Line> lines;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line = line.substr(0, line.find('#'));  // the file holds no text in which '#' means itself
    const auto content = trimmed(line);
    if (content.empty() || content == "---") continue;
    lines.push_back({number, line.find_first_not_of(' '), content});
  }
  return lines;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The part of YAML that TensorRT-LLM's generator and people write for this file.
class AssignmentReader {
 public:
  AssignmentReader(std::string_view text, std::string_view origin)
      : lines_(content_lines(text)), origin_(origin) {}

  /// (layer number, expert of each slot), in file order.
  std::vector<std::pair<int, std::vector<std::int64_t>>> read() {
    std::vector<std::pair<int, std::vector<std::int64_t>>> layers;
    bool found = false;
    while (next_ < lines_.size()) {
      const auto& line = lines_[next_++];
      const auto [key, value] = key_and_value(line);
      if (line.indent != 0) fail(line, "unexpected indent");
      if (key == "num_slots") num_slots_ = whole_number(value);
      if (key != "initial_global_assignments") continue;
      if (!value.empty()) fail(line, "expected one line a layer below the key");
      found = true;
      while (next_ < lines_.size() && lines_[next_].indent > 0) layers.push_back(read_layer());
    }
    if (!found || layers.empty()) {
      throw InputError(fmt::format("{}: no layers under initial_global_assignments", origin_));
    }
    return layers;
  }

  [[nodiscard]] std::optional<std::int64_t> num_slots() const { return num_slots_; }

 private:
  [[noreturn]] void fail(const Line& line, std::string_view what) const {
    throw InputError(
        fmt::format("{}:{}: {}: '{}'", origin_, line.number, what, line.text.substr(0, 40)));
  }

  std::pair<std::string_view, std::string_view> key_and_value(const Line& line) const {
    const auto colon = line.text.find(':');
    if (colon == std::string_view::npos) fail(line, "expected 'key: value'");
    return {trimmed(line.text.substr(0, colon)), trimmed(line.text.substr(colon + 1))};
  }

  std::pair<int, std::vector<std::int64_t>> read_layer() {
    const Line line = lines_[next_++];
    const auto [key, value] = key_and_value(line);
    const auto layer = whole_number(key);
    if (!layer || *layer < 0 || *layer > 1'000'000) fail(line, "expected a layer number");
    std::vector<std::int64_t> experts;
    if (value.empty()) {
      while (next_ < lines_.size() && lines_[next_].text.front() == '-') {
        append(lines_[next_], lines_[next_].text.substr(1), experts);
        ++next_;
      }
      if (experts.empty()) fail(line, "expected a list of experts");
      return {static_cast<int>(*layer), std::move(experts)};
    }
    if (value.front() != '[') fail(line, "expected a list '[expert, ...]'");
    std::string list(value.substr(1));
    while (list.find(']') == std::string::npos) {
      if (next_ == lines_.size()) fail(line, "the list has no closing ']'");
      list += ' ';
      list += lines_[next_++].text;
    }
    if (list.back() != ']') fail(line, "text after the list");
    list.pop_back();
    for (std::string_view rest = list; !trimmed(rest).empty();) {
      const auto comma = rest.find(',');
      append(line, rest.substr(0, comma), experts);
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    return {static_cast<int>(*layer), std::move(experts)};
  }

  void append(const Line& line, std::string_view item, std::vector<std::int64_t>& experts) const {
    const auto expert = whole_number(trimmed(item));
    if (!expert || *expert < 0 || *expert >= kMaxExperts) {
      throw InputError(fmt::format("{}:{}: '{}' is not an expert (0 to {})", origin_, line.number,
                                   trimmed(item), kMaxExperts - 1));
    }
    experts.push_back(*expert);
  }

  std::vector<Line> lines_;
  std::string_view origin_;
  std::size_t next_ = 0;
  std::optional<std::int64_t> num_slots_;
};

}  // namespace

std::string write_trtllm_yaml(const ExpertMap& map) {
  validate(map);
  std::string text = "initial_global_assignments:\n";
  for (std::size_t i = 0; i < map.layers.size(); ++i) {
    std::vector<std::int32_t> experts;
    for (const auto expert : map.layers[i].placement.physical_to_logical()) {
      experts.push_back(index(expert));
    }
    text += fmt::format("  {}: [{}]\n", map.layer_ids[i], fmt::join(experts, ", "));
  }
  return text + fmt::format("num_slots: {}\nlayer_updates_per_iter: 0\n",
                            map.layers.front().placement.num_physical());
}

ExpertMap read_trtllm_yaml(std::string_view text, std::string_view origin, int ranks) {
  AssignmentReader reader(text, origin);
  auto layers = reader.read();
  std::sort(layers.begin(), layers.end());
  std::int64_t largest = 0;
  for (const auto& [layer, experts] : layers) {
    if (reader.num_slots().value_or(static_cast<std::int64_t>(experts.size())) !=
        static_cast<std::int64_t>(experts.size())) {
      throw InputError(fmt::format("{}: layer {} lists {} slots, num_slots says {}", origin, layer,
                                   experts.size(), *reader.num_slots()));
    }
    for (const auto expert : experts) largest = std::max(largest, expert);
  }
  ExpertMap map;
  for (const auto& [layer, experts] : layers) {
    if (!map.layer_ids.empty() && map.layer_ids.back() == layer) {
      throw InputError(fmt::format("{}: layer {} is there twice", origin, layer));
    }
    map.layer_ids.push_back(layer);
    map.layers.push_back(
        layer_from_file(experts, static_cast<int>(largest) + 1, ranks, origin, layer));
  }
  return map;
}

}  // namespace hotexpert
