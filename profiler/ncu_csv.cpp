#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "profiler/nsight_import.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

/// A line of the table with where it begins; quoted fields may hold line breaks.
struct Record {
  std::size_t line = 0;
  std::vector<std::string> fields;
};

/// Takes the next record off the front of `text`.
Record next_record(std::string_view& text, std::size_t& line) {
  Record record{line, {""}};
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      record.fields.back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      record.fields.emplace_back();
    } else if (c == '\n' && !quoted) {
      break;
    } else if (c != '\r') {
      line += c == '\n' ? 1 : 0;
      record.fields.back() += c;
    }
  }
  text.remove_prefix(std::min(i + 1, text.size()));
  ++line;
  return record;
}

/// Takes the next line off the front of `text`.
std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// Commas of a number group its digits by three from the point leftwards: "1,234.5".
bool groups_thousands(std::string_view text) {
  const auto whole = text.substr(0, text.find('.'));
  if (whole.starts_with("0,") || whole.starts_with("-0,")) return false;
  if (text.substr(whole.size()).find(',') != std::string_view::npos) return false;
  std::size_t digits = 0;
  bool first = true;
  for (const char c : whole) {
    if (c != ',') {
      digits += c == '-' || c == '+' ? 0 : 1;
      continue;
    }
    if (digits == 0 || digits > 3 || (!first && digits != 3)) return false;
    first = false;
    digits = 0;
  }
  return first || digits == 3;
}

/// nullopt: no finite number. @throws InputError where commas are a decimal point
std::optional<double> number(std::string text, std::string_view origin, std::size_t line) {
  double value = 0;
  const auto read = [&](const std::string& digits) {
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return result.ec == std::errc{} && result.ptr == digits.data() + digits.size() &&
           std::isfinite(value);
  };
  std::string plain = text;
  std::erase(plain, ',');
  if (!read(plain)) return std::nullopt;
  if (!groups_thousands(text))
    throw InputError(fmt::format(
        "{}:{}: '{}' is written with a decimal comma (run ncu with LC_ALL=C)", origin, line, text));
  return value;
}

/// Where what we read stands in the header. The details page has a line a metric; the raw page has
/// a column a metric, and the units in the line below the header.
struct Header {
  std::vector<std::string> names;
  std::size_t id = 0;
  std::size_t kernel = 0;
  std::optional<std::size_t> section;
  std::optional<std::size_t> metric;
  std::optional<std::size_t> unit;
  std::optional<std::size_t> value;
  std::optional<std::size_t> ranges;  ///< the thread's push/pop ranges

  [[nodiscard]] bool is_details() const { return section && metric && unit && value; }
};

std::optional<std::size_t> place_of(const std::vector<std::string>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

std::optional<Header> header_of(const std::vector<std::string>& names) {
  const auto id = place_of(names, "ID");
  const auto kernel = place_of(names, "Kernel Name");
  if (!id || !kernel) return std::nullopt;
  Header header{names, *id, *kernel, {}, {}, {}, {}, {}};
  header.section = place_of(names, "Section Name");
  header.metric = place_of(names, "Metric Name");
  header.unit = place_of(names, "Metric Unit");
  header.value = place_of(names, "Metric Value");
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].find("Push/Pop_Range") != std::string::npos) header.ranges = i;
  }
  const bool has_metrics = std::ranges::any_of(
      names, [](const auto& name) { return name.find("__") != std::string::npos; });
  return header.is_details() || has_metrics ? std::optional(header) : std::nullopt;
}

/// The innermost range of domain hotexpert in a list of "DOMAIN:RANGE:payload and colour …".
std::string innermost_range(std::string_view ranges) {
  constexpr std::string_view kDomain = "hotexpert:";
  const auto place = ranges.rfind(kDomain);
  if (place == std::string_view::npos) return "";
  const auto name = ranges.substr(place + kDomain.size());
  return std::string(name.substr(0, name.find_first_of(":\" ")));
}

class Reader {
 public:
  Reader(Header header, std::string_view origin) : header_(std::move(header)), origin_(origin) {}

  void read(const Record& record, std::vector<NcuValue>& values) {
    if (record.fields.size() != header_.names.size())
      throw InputError(fmt::format("{}:{}: {} fields, the header has {} (is the file cut off?)",
                                   origin_, record.line, record.fields.size(),
                                   header_.names.size()));
    if (!header_.is_details() && units_.empty()) {
      units_ = record.fields;
      return;
    }
    const auto id = number(record.fields[header_.id], origin_, record.line);
    if (!id)
      throw InputError(fmt::format("{}:{}: ID '{}' is not a number", origin_, record.line,
                                   record.fields[header_.id]));
    NcuValue value;
    value.kernel_id = static_cast<std::int64_t>(*id);
    value.kernel = record.fields[header_.kernel];
    if (header_.ranges) value.stage = innermost_range(record.fields[*header_.ranges]);
    header_.is_details() ? add_line(record, value, values) : add_columns(record, value, values);
  }

 private:
  void add_line(const Record& record, NcuValue value, std::vector<NcuValue>& values) const {
    const auto read = number(record.fields[*header_.value], origin_, record.line);
    if (!read) return;
    value.section = record.fields[*header_.section];
    value.metric = record.fields[*header_.metric];
    value.unit = record.fields[*header_.unit];
    value.value = *read;
    values.push_back(std::move(value));
  }

  void add_columns(const Record& record, const NcuValue& kernel,
                   std::vector<NcuValue>& values) const {
    for (std::size_t i = 0; i < record.fields.size(); ++i) {
      if (header_.names[i].find("__") == std::string::npos) continue;
      const auto read = number(record.fields[i], origin_, record.line);
      if (!read) continue;
      values.push_back(kernel);
      values.back().metric = header_.names[i];
      values.back().unit = units_[i];
      values.back().value = *read;
    }
  }

  Header header_;
  std::string_view origin_;
  std::vector<std::string> units_;  // of the raw page
};

}  // namespace

std::vector<NcuValue> read_ncu_csv(std::string_view text, std::string_view origin) {
  std::vector<NcuValue> values;
  std::optional<Reader> reader;
  for (std::size_t line = 1; !text.empty();) {
    if (!reader || text.starts_with("==")) {
      // One line at a time: what the tool or the program says may hold a lone quotation mark.
      std::string_view said = next_line(text);
      if (auto header = header_of(next_record(said, line).fields))
        reader.emplace(std::move(*header), origin);
      continue;
    }
    const Record record = next_record(text, line);
    const bool empty = record.fields.size() == 1 && record.fields.front().empty();
    if (!empty) reader->read(record, values);
  }
  if (!reader)
    throw InputError(
        fmt::format("{}: no header with the columns ID, Kernel Name and Section Name, Metric Name, "
                    "Metric Unit, Metric Value or metrics (write it with `ncu --import REPORT "
                    "--csv`, or with `--page raw` too)",
                    origin));
  return values;
}

}  // namespace hotexpert
