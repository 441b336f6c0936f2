#pragma once

#include <memory>
#include <vector>

#include "kernels/cuda/stream.hpp"

struct CUevent_st;

namespace hotexpert {

struct DestroyStream {
  void operator()(CUstream_st* stream) const;
};
struct DestroyEvent {
  void operator()(CUevent_st* event) const;
};
using OwnedStream = std::unique_ptr<CUstream_st, DestroyStream>;
using OwnedEvent = std::unique_ptr<CUevent_st, DestroyEvent>;
OwnedStream make_stream();           ///< @throws DeviceError
OwnedEvent make_event(bool timing);  ///< @throws DeviceError
/// Seconds on the device between two events that are reached. @throws DeviceError
double seconds_between(const OwnedEvent& from, const OwnedEvent& to);

/// Streams that start behind a main stream and end before it goes on; what is put on them between
/// fork() and join() runs side by side, and becomes branches of a captured graph.
class SideStreams {
 public:
  explicit SideStreams(int count);
  [[nodiscard]] int count() const { return static_cast<int>(streams_.size()); }
  [[nodiscard]] DeviceStream at(int i) const { return streams_[static_cast<std::size_t>(i)].get(); }
  void fork(DeviceStream main);
  void join(DeviceStream main);

 private:
  OwnedEvent forked_;
  std::vector<OwnedStream> streams_;
  std::vector<OwnedEvent> joined_;
};

}  // namespace hotexpert
