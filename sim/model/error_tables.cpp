#include "sim/model/error_tables.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>
#include <tuple>

#include "sim/base/statistics.hpp"

namespace hotexpert {
namespace {

struct TokenRange {
  std::int64_t last;
  std::string_view label;
};
constexpr std::array kTokenRanges = {TokenRange{15, "1-15"}, TokenRange{63, "16-63"},
                                     TokenRange{255, "64-255"}, TokenRange{1023, "256-1023"},
                                     TokenRange{4095, "1024-4095"}};

using Label = std::function<ErrorRow(const PublishedRow&)>;

/// Groups rows by the label's fields and pools each group.
std::vector<ErrorRow> grouped_errors(const std::vector<PublishedRow>& rows,
                                     std::span<const double> abs_error, const Label& label) {
  const auto fields = [](const ErrorRow& r) {
    return std::tie(r.model_shape, r.expert_parallel, r.tokens, r.distribution);
  };
  std::vector<ErrorRow> groups;
  std::vector<std::vector<bool>> members;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ErrorRow key = label(rows[i]);
    std::size_t g = 0;
    while (g < groups.size() && fields(groups[g]) != fields(key)) ++g;
    if (g == groups.size()) {
      groups.push_back(key);
      members.emplace_back(rows.size());
    }
    members[g][i] = true;
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const ErrorRow pooled = pooled_error(abs_error, members[g]);
    groups[g].n = pooled.n;
    groups[g].median_abs_error = pooled.median_abs_error;
    groups[g].p90_abs_error = pooled.p90_abs_error;
  }
  return groups;
}

}  // namespace

std::string token_range(std::int64_t tokens) {
  for (const auto& range : kTokenRanges) {
    if (tokens <= range.last) return std::string(range.label);
  }
  return "4096-";
}

ErrorRow pooled_error(std::span<const double> abs_error, const std::vector<bool>& keep) {
  std::vector<double> kept;
  for (std::size_t i = 0; i < abs_error.size(); ++i) {
    if (keep[i]) kept.push_back(abs_error[i]);
  }
  ErrorRow row;
  row.n = static_cast<std::int64_t>(kept.size());
  if (kept.empty()) return row;
  row.median_abs_error = median(kept);
  row.p90_abs_error = quantile(kept, 0.9);
  return row;
}

std::vector<ErrorRow> error_partition(const std::vector<PublishedRow>& rows,
                                      std::span<const double> abs_error) {
  auto groups = grouped_errors(rows, abs_error, [](const PublishedRow& row) {
    ErrorRow key;
    key.model_shape = row.model;
    key.expert_parallel = std::to_string(row.expert_parallel);
    key.distribution = row.distribution;
    return key;
  });
  std::ranges::sort(groups, {}, [](const ErrorRow& row) {
    return std::tuple(row.model_shape, std::stoi(row.expert_parallel), row.distribution);
  });
  return groups;
}

std::vector<ErrorRow> error_margins(const std::vector<PublishedRow>& rows,
                                    std::span<const double> abs_error) {
  const std::array<Label, 4> labels = {[](const PublishedRow& row) {
                                         ErrorRow key;
                                         key.model_shape = row.model;
                                         return key;
                                       },
                                       [](const PublishedRow& row) {
                                         ErrorRow key;
                                         key.expert_parallel = std::to_string(row.expert_parallel);
                                         return key;
                                       },
                                       [](const PublishedRow& row) {
                                         ErrorRow key;
                                         key.tokens = token_range(row.num_tokens);
                                         return key;
                                       },
                                       [](const PublishedRow& row) {
                                         ErrorRow key;
                                         key.distribution = row.distribution;
                                         return key;
                                       }};
  std::vector<ErrorRow> out;
  for (const Label& label : labels) {
    for (ErrorRow& row : grouped_errors(rows, abs_error, label)) out.push_back(std::move(row));
  }
  return out;
}

std::vector<Crossover> crossover_tokens(const std::vector<PublishedRow>& rows,
                                        std::span<const double> predicted_s) {
  constexpr double kSaves = 0.95;
  struct Ratios {
    double measured;
    double predicted;
  };
  using SeriesKey = std::tuple<std::string, int, std::string>;
  std::map<SeriesKey, std::map<std::int64_t, Ratios>> series;
  const auto controls = balanced_controls(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    if (row.alpha == 0 || !controls[i]) continue;
    series[{row.model, row.expert_parallel, row.distribution}][row.num_tokens] = {
        row.latency_s / rows[*controls[i]].latency_s, predicted_s[i] / predicted_s[*controls[i]]};
  }
  std::vector<Crossover> out;
  for (const auto& [key, by_tokens] : series) {
    const auto last = [&by_tokens = by_tokens](double Ratios::*ratio) {
      std::int64_t tokens = 0;
      for (const auto& [count, ratios] : by_tokens) {
        if (ratios.*ratio <= kSaves) tokens = count;
      }
      return tokens;
    };
    const auto& [shape, ranks, distribution] = key;
    out.push_back({shape, ranks, distribution, last(&Ratios::measured), last(&Ratios::predicted)});
  }
  return out;
}

SignScore skew_sign_score(const std::vector<PublishedRow>& rows,
                          std::span<const double> predicted_s) {
  constexpr double kEffect = 0.1;
  const auto controls = balanced_controls(rows);
  SignScore score;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].alpha == 0 || !controls[i]) continue;
    const std::size_t j = *controls[i];
    const double measured = rows[i].latency_s / rows[j].latency_s - 1;
    if (std::abs(measured) <= kEffect) continue;
    ++score.total;
    score.right += measured * (predicted_s[i] / predicted_s[j] - 1) > 0 ? 1 : 0;
  }
  return score;
}

}  // namespace hotexpert
