#include "sim/metrics/value_counts.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace hotexpert {
namespace {

constexpr std::size_t kPending = 4096;

using Counts = ValueCounts::Counts;

/// Both lists together, ascending, each value once.
Counts merged(const Counts& a, const Counts& b) {
  Counts out;
  out.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out),
             [](const auto& x, const auto& y) { return x.first < y.first; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (out[i].first == out[last].first) {
      out[last].second += out[i].second;
    } else {
      out[++last] = out[i];
    }
  }
  if (!out.empty()) out.resize(last + 1);
  return out;
}

}  // namespace

void ValueCounts::add(double value) {
  pending_.push_back(value);
  if (pending_.size() >= std::max(kPending, counts_.size())) settle();
}

void ValueCounts::add(double value, std::int64_t times) {
  settle();
  const auto at = std::lower_bound(counts_.begin(), counts_.end(), value,
                                   [](const auto& entry, double v) { return entry.first < v; });
  if (at != counts_.end() && at->first == value) {
    at->second += times;
  } else {
    counts_.insert(at, {value, times});
  }
}

void ValueCounts::merge(const ValueCounts& other) {
  settle();
  counts_ = merged(counts_, other.values());
}

void ValueCounts::settle() const {
  if (pending_.empty()) return;
  std::sort(pending_.begin(), pending_.end());
  Counts added;
  for (const double value : pending_) {
    if (!added.empty() && added.back().first == value) {
      ++added.back().second;
    } else {
      added.emplace_back(value, 1);
    }
  }
  counts_ = merged(counts_, added);
  pending_.clear();
}

const ValueCounts::Counts& ValueCounts::values() const {
  settle();
  return counts_;
}

std::int64_t ValueCounts::count() const {
  settle();
  std::int64_t total = 0;
  for (const auto& entry : counts_) total += entry.second;
  return total;
}

double ValueCounts::mean() const {
  settle();
  double sum = 0;
  std::int64_t total = 0;
  for (const auto& [value, count] : counts_) {
    sum += value * static_cast<double>(count);
    total += count;
  }
  return total == 0 ? 0.0 : sum / static_cast<double>(total);
}

double ValueCounts::standard_error() const {
  const auto n = static_cast<double>(count());
  if (n < 2) return 0;
  const double center = mean();
  double squares = 0;
  for (const auto& [value, count] : counts_) {
    squares += (value - center) * (value - center) * static_cast<double>(count);
  }
  return std::sqrt(squares / (n - 1) / n);
}

double ValueCounts::at(std::int64_t i) const {
  settle();
  for (const auto& [value, count] : counts_) {
    if (i < count) return value;
    i -= count;
  }
  return counts_.empty() ? 0.0 : counts_.back().first;
}

double ValueCounts::quantile(double q) const {
  const auto n = count();
  if (n == 0) return 0;
  const double place = q * static_cast<double>(n - 1);
  const auto below = static_cast<std::int64_t>(place);
  const double low = at(below);
  return low + (place - static_cast<double>(below)) * (at(below + 1) - low);
}

Percentiles ValueCounts::percentiles() const {
  return {.p50 = quantile(0.5), .p95 = quantile(0.95), .p99 = quantile(0.99), .max = quantile(1)};
}

double ValueCounts::covering(const Decimal& share) const {
  const auto n = count();
  const auto needed = ceil_product(n, share);
  return at(std::clamp<std::int64_t>(needed - 1, 0, std::max<std::int64_t>(0, n - 1)));
}

}  // namespace hotexpert
