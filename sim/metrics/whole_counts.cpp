#include "sim/metrics/whole_counts.hpp"

#include <algorithm>

namespace hotexpert {
namespace {

constexpr std::size_t kWaiting = 256;          // values that place the window
constexpr std::int64_t kLargestWindow = 2048;  // 16 KiB

}  // namespace

void WholeCounts::add_outside(std::int64_t value) {
  if (!window_.empty()) {
    outside_.add(static_cast<double>(value));
    return;
  }
  waiting_.push_back(value);
  if (waiting_.size() == kWaiting) open_window();
}

/// Half as wide again as the values so far, on both sides.
void WholeCounts::open_window() {
  const auto [low, high] = std::minmax_element(waiting_.begin(), waiting_.end());
  const std::int64_t span = *high - *low + 1;
  const std::int64_t width = std::min(2 * span, kLargestWindow);
  first_ = std::max<std::int64_t>(0, *low + span / 2 - width / 2);
  window_.assign(static_cast<std::size_t>(width), 0);
  const std::vector<std::int64_t> values = std::move(waiting_);
  waiting_.clear();
  for (const auto value : values) add(value);
}

void WholeCounts::merge(const WholeCounts& other) {
  if (window_.empty() && !other.window_.empty()) {
    first_ = other.first_;
    window_.assign(other.window_.size(), 0);
    const std::vector<std::int64_t> values = std::move(waiting_);
    waiting_.clear();
    for (const auto value : values) add(value);
  }
  for (const auto value : other.waiting_) add(value);
  for (std::size_t i = 0; i < other.window_.size(); ++i) {
    if (other.window_[i] == 0) continue;
    const std::int64_t value = other.first_ + static_cast<std::int64_t>(i);
    const auto place = static_cast<std::uint64_t>(value - first_);
    if (place < window_.size()) {
      window_[place] += other.window_[i];
    } else {
      outside_.add(static_cast<double>(value), other.window_[i]);
    }
  }
  outside_.merge(other.outside_);
}

ValueCounts WholeCounts::divided_by(std::int64_t divisor) const {
  const auto by = static_cast<double>(divisor);
  ValueCounts out;
  for (std::size_t i = 0; i < window_.size(); ++i) {
    if (window_[i] > 0) {
      out.add(static_cast<double>(first_ + static_cast<std::int64_t>(i)) / by, window_[i]);
    }
  }
  for (const auto value : waiting_) out.add(static_cast<double>(value) / by);
  for (const auto& [value, count] : outside_.values()) out.add(value / by, count);
  return out;
}

}  // namespace hotexpert
