#pragma once

#include "profiler/annotate.hpp"

namespace hotexpert {

/// Is told of the stages of a pass (route, permute, expert, combine), on the thread that launches
/// them: begin and end alternate.
class StageObserver {
 public:
  virtual ~StageObserver() = default;
  virtual void begin(RangeName stage) = 0;
  virtual void end(RangeName stage) = 0;
  /// True: the device has finished all earlier work at every call. False: launches may be pending.
  [[nodiscard]] virtual bool wants_idle_device() const = 0;
};

/// For passes whose NVTX ranges are all that is wanted.
class NoStageObserver final : public StageObserver {
 public:
  void begin(RangeName /*stage*/) override {}
  void end(RangeName /*stage*/) override {}
  [[nodiscard]] bool wants_idle_device() const override { return false; }
};

}  // namespace hotexpert
