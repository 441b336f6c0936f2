#include "sim/metrics/drop_spectrum.hpp"

#include <algorithm>
#include <functional>

namespace hotexpert {
namespace {

double fraction_of(std::int64_t dropped, std::int64_t total) {
  return total == 0 ? 0.0 : static_cast<double>(dropped) / static_cast<double>(total);
}

}  // namespace

void DropSpectrum::assign(std::span<const std::int64_t> loads) {
  loads_.assign(loads.begin(), loads.end());
  std::sort(loads_.begin(), loads_.end(), std::greater<>());
  largest_.resize(loads_.size() + 1);
  largest_[0] = 0;
  for (std::size_t m = 0; m < loads_.size(); ++m) largest_[m + 1] = largest_[m] + loads_[m];
  total_ = largest_.back();
}

std::int64_t DropSpectrum::largest_load() const { return loads_.empty() ? 0 : loads_.front(); }

std::int64_t DropSpectrum::dropped(std::int64_t capacity) const {
  const auto fits = std::partition_point(loads_.begin(), loads_.end(),
                                         [&](std::int64_t load) { return load > capacity; });
  const auto overfull = fits - loads_.begin();
  if (overfull == 0) return 0;
  return largest_[static_cast<std::size_t>(overfull)] - overfull * capacity;
}

void DropSpectrum::dropped_at(std::span<const std::int64_t> capacities,
                              std::span<std::int64_t> out) const {
  std::size_t overfull = loads_.size();
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    while (overfull > 0 && loads_[overfull - 1] <= capacities[i]) --overfull;
    out[i] = largest_[overfull] - static_cast<std::int64_t>(overfull) * capacities[i];
  }
}

double DropSpectrum::fraction(std::int64_t capacity) const {
  return fraction_of(dropped(capacity), total_);
}

std::int64_t DropSpectrum::smallest_capacity(std::int64_t most_dropped) const {
  std::int64_t low = 0;
  std::int64_t high = largest_load();
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (dropped(middle) <= most_dropped) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::vector<std::int64_t> DropSpectrum::curve() const {
  std::vector<std::int64_t> dropped(static_cast<std::size_t>(largest_load()) + 1, 0);
  auto overfull = loads_.begin();
  std::int64_t drops = 0;
  for (auto capacity = largest_load() - 1; capacity >= 0; --capacity) {
    while (overfull != loads_.end() && *overfull > capacity) ++overfull;
    drops += overfull - loads_.begin();
    dropped[static_cast<std::size_t>(capacity)] = drops;
  }
  return dropped;
}

SpectrumSummary::SpectrumSummary(std::vector<std::int64_t> capacities,
                                 std::vector<Decimal> tolerances)
    : capacities_(std::move(capacities)),
      tolerances_(std::move(tolerances)),
      drops_(capacities_.size()),
      fractions_(capacities_.size()),
      dropped_(capacities_.size()),
      needed_(tolerances_.size()) {}

void SpectrumSummary::add(const DropSpectrum& step) {
  const auto size = static_cast<std::size_t>(step.largest_load()) + 1;
  if (bins_of_load_.size() < size) bins_of_load_.resize(size);
  for (const auto load : step.falling_loads()) ++bins_of_load_[static_cast<std::size_t>(load)];
  assignments_ += step.total();
  if (common_total_ == 0) common_total_ = step.total();
  step.dropped_at(capacities_, dropped_);
  if (step.total() == common_total_ && step.total() > 0) {
    for (std::size_t i = 0; i < dropped_.size(); ++i) drops_[i].add(dropped_[i]);
  } else {
    for (std::size_t i = 0; i < dropped_.size(); ++i)
      fractions_[i].add(fraction_of(dropped_[i], step.total()));
  }
  for (std::size_t i = 0; i < tolerances_.size(); ++i) {
    const auto most_dropped = floor_product(step.total(), tolerances_[i]);
    needed_[i].add(step.smallest_capacity(most_dropped));
  }
}

void SpectrumSummary::merge(const SpectrumSummary& other) {
  bins_of_load_.resize(std::max(bins_of_load_.size(), other.bins_of_load_.size()));
  for (std::size_t load = 0; load < other.bins_of_load_.size(); ++load) {
    bins_of_load_[load] += other.bins_of_load_[load];
  }
  assignments_ += other.assignments_;
  if (common_total_ == 0) common_total_ = other.common_total_;
  for (std::size_t i = 0; i < drops_.size(); ++i) {
    if (common_total_ == other.common_total_) {
      drops_[i].merge(other.drops_[i]);
      fractions_[i].merge(other.fractions_[i]);
    } else {
      fractions_[i].merge(other.fractions(i));
    }
  }
  for (std::size_t i = 0; i < needed_.size(); ++i) needed_[i].merge(other.needed_[i]);
}

ValueCounts SpectrumSummary::fractions(std::size_t i) const {
  ValueCounts out = drops_[i].divided_by(std::max<std::int64_t>(1, common_total_));
  out.merge(fractions_[i]);
  return out;
}

double SpectrumSummary::pooled_fraction(std::int64_t capacity) const {
  if (assignments_ == 0) return 0;
  std::int64_t dropped = 0;
  for (auto load = capacity + 1; load < static_cast<std::int64_t>(bins_of_load_.size()); ++load) {
    dropped += (load - capacity) * bins_of_load_[static_cast<std::size_t>(load)];
  }
  return static_cast<double>(dropped) / static_cast<double>(assignments_);
}

std::vector<double> SpectrumSummary::pooled_curve() const {
  std::vector<double> curve(std::max<std::size_t>(1, bins_of_load_.size()), 0.0);
  std::int64_t overfull = 0;
  std::int64_t dropped = 0;
  for (std::size_t capacity = curve.size() - 1; capacity-- > 0;) {
    overfull += bins_of_load_[capacity + 1];
    dropped += overfull;
    curve[capacity] = static_cast<double>(dropped) / static_cast<double>(assignments_);
  }
  return curve;
}

}  // namespace hotexpert
