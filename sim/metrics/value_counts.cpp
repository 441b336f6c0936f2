#include "sim/metrics/value_counts.hpp"

#include <algorithm>
#include <cmath>

namespace hotexpert {
namespace {

constexpr std::size_t kPending = 4096;

}  // namespace

void ValueCounts::add(double value) {
  pending_.push_back(value);
  if (pending_.size() >= std::max(kPending, counts_.size())) settle();
}

void ValueCounts::merge(const ValueCounts& other) {
  settle();
  other.settle();
  counts_.insert(counts_.end(), other.counts_.begin(), other.counts_.end());
  std::sort(counts_.begin(), counts_.end());
  std::vector<std::pair<double, std::int64_t>> merged;
  for (const auto& [value, count] : counts_) {
    if (!merged.empty() && merged.back().first == value) {
      merged.back().second += count;
    } else {
      merged.emplace_back(value, count);
    }
  }
  counts_ = std::move(merged);
}

void ValueCounts::settle() const {
  if (pending_.empty()) return;
  std::sort(pending_.begin(), pending_.end());
  std::vector<std::pair<double, std::int64_t>> merged;
  merged.reserve(counts_.size() + 64);
  auto old = counts_.begin();
  for (const double value : pending_) {
    while (old != counts_.end() && old->first <= value) merged.push_back(*old++);
    if (!merged.empty() && merged.back().first == value) {
      ++merged.back().second;
    } else {
      merged.emplace_back(value, 1);
    }
  }
  merged.insert(merged.end(), old, counts_.end());
  counts_ = std::move(merged);
  pending_.clear();
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
