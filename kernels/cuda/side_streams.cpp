#include "kernels/cuda/side_streams.hpp"

#include <cuda_runtime_api.h>

#include "kernels/cuda/check.hpp"

namespace hotexpert {

void DestroyStream::operator()(CUstream_st* stream) const {
  (void)succeeded(cudaStreamDestroy(stream));
}
void DestroyEvent::operator()(CUevent_st* event) const { (void)succeeded(cudaEventDestroy(event)); }

OwnedStream make_stream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  return OwnedStream(stream);
}

OwnedEvent make_event(bool timing) {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, timing ? cudaEventDefault : cudaEventDisableTiming),
             "making an event");
  return OwnedEvent(event);
}

double seconds_between(const OwnedEvent& from, const OwnedEvent& to) {
  float milliseconds = 0;
  check_cuda(cudaEventElapsedTime(&milliseconds, from.get(), to.get()), "reading a time");
  return 1e-3 * static_cast<double>(milliseconds);
}

SideStreams::SideStreams(int count) : forked_(make_event(false)) {
  for (int i = 0; i < count; ++i) {
    streams_.push_back(make_stream());
    joined_.push_back(make_event(false));
  }
}

void SideStreams::fork(DeviceStream main) {
  check_cuda(cudaEventRecord(forked_.get(), main), "forking streams");
  for (const auto& stream : streams_)
    check_cuda(cudaStreamWaitEvent(stream.get(), forked_.get(), 0), "forking streams");
}

void SideStreams::join(DeviceStream main) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    check_cuda(cudaEventRecord(joined_[i].get(), streams_[i].get()), "joining streams");
    check_cuda(cudaStreamWaitEvent(main, joined_[i].get(), 0), "joining streams");
  }
}

}  // namespace hotexpert
