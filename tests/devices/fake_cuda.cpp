#include "tests/devices/fake_cuda.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace hotexpert::test {
namespace {

std::unique_ptr<FakeCuda>& instance() {
  static auto device = std::make_unique<FakeCuda>();
  return device;
}

constexpr std::align_val_t kAlignment{256};

}  // namespace

FakeCuda& fake_cuda() { return *instance(); }
void reset_fake_cuda() { instance() = std::make_unique<FakeCuda>(); }

FakeCuda::~FakeCuda() {
  for (const auto& [memory, block] : memory_) ::operator delete(memory, kAlignment);
}

std::string FakeCuda::leaks() const {
  std::string text;
  const auto add = [&](std::size_t count, const char* what) {
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(memory_.size(), "allocations");
  add(streams.all.size(), "streams");
  add(events.all.size(), "events");
  add(graphs.all.size(), "graphs");
  add(instances.all.size(), "graph instances");
  add(static_cast<std::size_t>(blas_handles), "cuBLAS handles");
  return text;
}

cudaError_t FakeCuda::begin(const char* name, bool safe_in_capture) {
  ++calls;
  names.emplace_back(name);
  hang_next_ = calls == hang_call;
  if (repeated_ != cudaSuccess) return keep(repeated_);
  if (fault.only.empty() || fault.only == name) ++counted_;
  if (fault.call > 0 && counted_ == fault.call && (fault.only.empty() || fault.only == name)) {
    const auto code = static_cast<cudaError_t>(fault.code);
    if (fault.sticky) repeated_ = code;
    return keep(code);
  }
  if (!safe_in_capture && !captured_.empty()) {
    capture_broken_ = true;
    forbid(std::string(name) + " while a stream is captured");
    return keep(cudaErrorStreamCaptureUnsupported);
  }
  return cudaSuccess;
}

cudaError_t FakeCuda::keep(cudaError_t status) {
  if (status != cudaSuccess) last_ = status;
  return status;
}

cudaError_t FakeCuda::take_last() {
  const cudaError_t last = repeated_ != cudaSuccess ? repeated_ : last_;
  last_ = cudaSuccess;
  return last;
}

void FakeCuda::put(cudaStream_t handle, cudaGraphNodeType type, std::function<void()> work) {
  CUstream_st& stream = at(handle);
  if (hang_next_) {
    hang_next_ = false;
    work = [this] { hung_ = true; };
  }
  if (stream.capture != nullptr) {
    stream.capture->nodes.push_back({type, std::move(work)});
    return;
  }
  stream.work.push_back([this, type, task = std::move(work)] {
    if (type == cudaGraphNodeTypeKernel) kernel_begins_ns.push_back(now_ns);
    task();
  });
}

bool FakeCuda::drain(CUstream_st& stream, const std::function<bool()>& until) {
  if (repeated_ != cudaSuccess) {
    stream.work.clear();  // a device in this state runs nothing more
    return true;
  }
  while (!hung_ && !stream.work.empty() && !until()) {
    const auto work = std::move(stream.work.front());
    stream.work.pop_front();
    work();
    now_ns += kOperationNs;
  }
  return !hung_;
}

bool FakeCuda::drain_all() {
  for (const auto& [stream, owned] : streams.all) {
    if (!drain(*stream)) return false;
  }
  return drain(default_stream_);
}

void* FakeCuda::allocate(std::size_t bytes, bool pinned) {
  if (!pinned && bytes_ + static_cast<std::int64_t>(bytes) > memory_bytes) return nullptr;
  auto* memory = static_cast<std::byte*>(::operator new(bytes, kAlignment, std::nothrow));
  if (memory == nullptr) return nullptr;
  memory_[memory] = {bytes, pinned};
  if (!pinned) bytes_ += static_cast<std::int64_t>(bytes);
  ++allocations;
  peak_bytes = std::max(peak_bytes, bytes_);
  return memory;
}

void FakeCuda::release(void* memory, bool pinned) {
  if (memory == nullptr) return;
  const auto found = memory_.find(static_cast<std::byte*>(memory));
  if (found == memory_.end() || found->second.pinned != pinned) {
    forbid("memory is freed that was not reserved");
    return;
  }
  if (!pinned) bytes_ -= static_cast<std::int64_t>(found->second.bytes);
  memory_.erase(found);
  ::operator delete(memory, kAlignment);
}

bool FakeCuda::inside(const void* memory, std::size_t bytes, const char* name) {
  if (bytes == 0) return true;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  for (const auto& [block, size] : memory_) {
    const auto first = reinterpret_cast<std::uintptr_t>(block);
    if (begin >= first && begin + bytes <= first + size.bytes) return true;
  }
  forbid(std::string(name) + " touches memory that was not reserved");
  return false;
}

cudaError_t FakeCuda::begin_capture(CUstream_st& stream) {
  if (!captured_.empty()) return keep(cudaErrorIllegalState);
  capture_broken_ = false;
  stream.capture = graphs.make();
  captured_ = {&stream};
  return cudaSuccess;
}

void FakeCuda::join_capture(CUstream_st& stream, CUgraph_st* graph) {
  if (stream.capture == graph) return;
  stream.capture = graph;
  captured_.push_back(&stream);
}

cudaError_t FakeCuda::end_capture(CUstream_st& stream, cudaGraph_t* graph) {
  CUgraph_st* made = stream.capture;
  if (made == nullptr) return keep(cudaErrorIllegalState);
  for (auto* captured : captured_) captured->capture = nullptr;
  captured_.clear();
  *graph = capture_broken_ ? nullptr : made;
  if (!capture_broken_) return cudaSuccess;
  graphs.drop(made);
  return keep(cudaErrorStreamCaptureInvalidated);
}

}  // namespace hotexpert::test
