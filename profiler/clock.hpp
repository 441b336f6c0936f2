#pragma once

namespace hotexpert {

/// Where time is read. Everything that decides by time takes one, so that tests decide the time.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Seconds since an arbitrary moment; never goes back.
  virtual double now_s() = 0;
  /// The smallest step that now_s() can show, in seconds; > 0.
  [[nodiscard]] virtual double resolution_s() const = 0;
};

/// std::chrono::steady_clock. Its resolution is measured once: the smallest step seen in 1,000
/// reads.
class SteadyClock final : public Clock {
 public:
  SteadyClock();
  double now_s() override;
  [[nodiscard]] double resolution_s() const override { return resolution_s_; }

 private:
  double resolution_s_;
};

/// The processor time base that no time daemon adjusts (CLOCK_MONOTONIC_RAW): an independent
/// witness for the self test of the timing.
class RawMonotonicClock final : public Clock {
 public:
  double now_s() override;
  [[nodiscard]] double resolution_s() const override;
};

}  // namespace hotexpert
