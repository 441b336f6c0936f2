#include "sim/model/published_data.hpp"

#include <array>
#include <map>
#include <optional>
#include <tuple>

#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

std::vector<std::string_view> split(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0;;) {
    const auto end = line.find(',', begin);
    cells.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return cells;
    begin = end + 1;
  }
}

/// One line of the file with its place, for errors.
class Record {
 public:
  Record(const std::map<std::string, std::size_t, std::less<>>& columns, std::string_view line,
         std::string place)
      : columns_(columns), cells_(split(line)), place_(std::move(place)) {
    if (cells_.size() != columns_.size()) {
      throw InputError(place_ + ": " + std::to_string(cells_.size()) + " cells, the header has " +
                       std::to_string(columns_.size()));
    }
  }

  [[nodiscard]] std::optional<std::string_view> text(std::string_view column) const {
    const auto at = columns_.find(column);
    return at == columns_.end() ? std::nullopt : std::optional(cells_[at->second]);
  }

  [[nodiscard]] std::int64_t positive(std::string_view column) const {
    const auto cell = text(column).value();
    std::int64_t value = 0;
    try {
      value = parse_integer(cell, column);
    } catch (const Error& error) {
      throw InputError(place_ + ": " + error.what());
    }
    if (value <= 0) refuse(column, cell, "a positive whole number");
    return value;
  }

  [[nodiscard]] double positive_real(std::string_view column, std::string_view cell) const {
    double value = 0;
    try {
      value = parse_double(cell, column);
    } catch (const Error& error) {
      throw InputError(place_ + ": " + error.what());
    }
    if (!(value > 0)) refuse(column, cell, "a positive number");
    return value;
  }

  [[noreturn]] void refuse(std::string_view column, std::string_view cell,
                           std::string_view expected) const {
    throw InputError(place_ + ": " + std::string(column) + " is '" + std::string(cell) +
                     "', expected " + std::string(expected));
  }

 private:
  const std::map<std::string, std::size_t, std::less<>>& columns_;
  std::vector<std::string_view> cells_;
  std::string place_;
};

void read_distribution(const Record& record, PublishedRow& row) {
  constexpr std::string_view kPrefix = "power_law_";
  const auto cell = record.text("distribution").value();
  row.distribution = cell;
  if (cell == "balanced") return;
  if (!cell.starts_with(kPrefix)) {
    record.refuse("distribution", cell, "balanced or power_law_ALPHA");
  }
  row.alpha = record.positive_real("distribution", cell.substr(kPrefix.size()));
  if (row.alpha == 1) record.refuse("distribution", cell, "an exponent other than 1");
}

PublishedRow read_row(const Record& record) {
  if (const auto dtype = record.text("moe_dtype"); dtype && *dtype != "bfloat16") {
    record.refuse("moe_dtype", *dtype, "bfloat16");
  }
  PublishedRow row;
  row.num_tokens = record.positive("num_tokens");
  row.tensor_parallel = static_cast<int>(record.positive("moe_tp_size"));
  row.expert_parallel = static_cast<int>(record.positive("moe_ep_size"));
  row.shape.num_experts = static_cast<int>(record.positive("num_experts"));
  row.shape.top_k = static_cast<int>(record.positive("topk"));
  row.shape.d_model = record.positive("hidden_size");
  const std::int64_t d_ff = record.positive("inter_size");
  row.shape.d_ff = d_ff / row.tensor_parallel;
  row.shape.dtype = DataType::kBf16;
  row.latency_s = record.positive_real("latency", record.text("latency").value()) * 1e-3;
  read_distribution(record, row);
  if (row.shape.num_experts % row.expert_parallel != 0) {
    record.refuse("moe_ep_size", record.text("moe_ep_size").value(), "a divisor of num_experts");
  }
  if (d_ff % row.tensor_parallel != 0) {
    record.refuse("moe_tp_size", record.text("moe_tp_size").value(), "a divisor of inter_size");
  }
  if (row.shape.top_k > row.shape.num_experts) {
    record.refuse("topk", record.text("topk").value(), "at most num_experts");
  }
  row.model = record.text("model_shape").value_or("");
  if (row.model.empty()) {
    row.model = std::to_string(row.shape.d_model) + "x" + std::to_string(d_ff) + "-E" +
                std::to_string(row.shape.num_experts) + "-k" + std::to_string(row.shape.top_k);
  }
  return row;
}

}  // namespace

std::vector<PublishedRow> read_published_csv(const std::string& path) {
  return parse_published_csv(read_whole_file(path), path);
}

std::vector<PublishedRow> parse_published_csv(std::string_view text, std::string_view origin) {
  constexpr std::array<std::string_view, 9> kNeeded = {"num_tokens",  "hidden_size",  "inter_size",
                                                       "topk",        "num_experts",  "moe_tp_size",
                                                       "moe_ep_size", "distribution", "latency"};
  std::map<std::string, std::size_t, std::less<>> columns;
  std::vector<PublishedRow> rows;
  std::int64_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto line = text.substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line_number == 1) {
      for (const auto name : split(line)) columns.emplace(name, columns.size());
      for (const auto name : kNeeded) {
        if (columns.contains(name)) continue;
        throw InputError(std::string(origin) + ":1: no column '" + std::string(name) +
                         "'; expected the header of aiconfigurator's MoE performance tables");
      }
    } else if (!line.empty() && line != "\r") {
      rows.push_back(
          read_row(Record(columns, line, std::string(origin) + ":" + std::to_string(line_number))));
    }
  }
  if (rows.empty()) throw InputError(std::string(origin) + ": no rows of measurements");
  return rows;
}

std::vector<bool> find_anomalies(const std::vector<PublishedRow>& rows) {
  using Curve = std::tuple<std::string, int, int, std::string>;
  std::map<Curve, std::vector<std::size_t>> series;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    series[{row.model, row.tensor_parallel, row.expert_parallel, row.distribution}].push_back(i);
  }
  std::vector<bool> anomalous(rows.size());
  for (const auto& [key, members] : series) {
    for (const std::size_t i : members) {
      for (const std::size_t j : members) {
        if (rows[j].num_tokens > rows[i].num_tokens && rows[i].latency_s > 2 * rows[j].latency_s) {
          anomalous[i] = true;
        }
      }
    }
  }
  return anomalous;
}

std::vector<std::optional<std::size_t>> balanced_controls(const std::vector<PublishedRow>& rows) {
  using Key = std::tuple<std::string, int, int, std::int64_t>;
  const auto key = [](const PublishedRow& row) {
    return Key{row.model, row.tensor_parallel, row.expert_parallel, row.num_tokens};
  };
  std::map<Key, std::size_t> balanced;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].alpha == 0) balanced.emplace(key(rows[i]), i);
  }
  std::vector<std::optional<std::size_t>> controls;
  for (const auto& row : rows) {
    const auto found = balanced.find(key(row));
    controls.push_back(found == balanced.end() ? std::nullopt : std::optional(found->second));
  }
  return controls;
}

bool tuner_cache_is_shadowed(int num_experts, int expert_parallel) {
  const int local = num_experts / expert_parallel;
  const std::string own = std::to_string(local);
  for (int ranks = 1; ranks <= 256; ranks *= 2) {
    if (num_experts % ranks != 0 || num_experts / ranks == local) continue;
    if (std::to_string(num_experts / ranks).starts_with(own)) return true;
  }
  return false;
}

}  // namespace hotexpert
