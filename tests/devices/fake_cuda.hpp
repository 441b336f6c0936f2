#pragma once

#include <driver_types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

// A CUDA device that does not exist, behind the functions of CUDA itself.
//
// kernels/cuda calls about thirty functions of the runtime, one of the driver and eight of cuBLAS,
// and its own launchers. These are the narrowest seam there is: what lies above them (buffers,
// capture and replay, events, memory checks, errors) is the product's real host code, compiled
// unchanged, and the tests' program defines these functions instead of linking NVIDIA's. An
// interface in the product would be one more layer that only tests need, and would leave the code
// that calls CUDA untested. Launchers have host stand-ins (fake_kernels.cpp) that run the same
// phase functions of kernels/cuda/plan as the device does, and plain loops for the products, so
// that a whole layer computes and is verified.
//
// Time is counted, not measured; nothing here says how fast a device is.

/// Work on a stream, or a node of a graph.
struct CUgraphNode_st {
  cudaGraphNodeType type;
  std::function<void()> work;
};
struct CUgraph_st {
  std::vector<CUgraphNode_st> nodes;
};
struct CUgraphExec_st {
  std::vector<CUgraphNode_st> nodes;
};
struct CUstream_st {
  std::deque<std::function<void()>> work;  ///< put there and not run yet
  CUgraph_st* capture = nullptr;
};
struct CUevent_st {
  bool timing = true;
  CUstream_st* stream = nullptr;  ///< where it was recorded last
  int pending = 0;                ///< records that are on a stream and not reached
  CUgraph_st* capture = nullptr;  ///< recorded inside a capture: waiting streams join it
  std::uint64_t reached_ns = 0;   ///< 0: not recorded, or not reached yet
};

namespace hotexpert::test {

/// A failure that is planted.
struct PlantedFault {
  std::int64_t call = 0;  ///< the n-th call from here on, counted from 1; 0: none
  int code = 0;           ///< a cudaError; of cuBLAS, 2 is "allocation failed"
  bool sticky = false;    ///< every later call repeats it
  std::string only = "";  ///< counts calls of this name only
};

/// The device's state, what it is asked to do wrong, and what it has seen.
/// Streams are lazy: work runs when somebody waits for it, as late as CUDA allows, so that host
/// code which forgets to wait reads poison.
class FakeCuda {
 public:
  FakeCuda() = default;
  ~FakeCuda();
  FakeCuda(const FakeCuda&) = delete;
  FakeCuda& operator=(const FakeCuda&) = delete;

  // The machine.
  int driver_version = 13000;  ///< 0: no driver
  int devices = 1;
  int major = 9;
  std::int64_t memory_bytes = std::int64_t{8} << 30;
  int multiprocessors = 4;
  std::string missing_library;  ///< "libcublas.so.13": it is not installed
  /// What CUPTI does: "" works, "denied", "busy" (another tool has it), "drops" all records but
  /// three, "silent" (delivers none and says nothing).
  std::string cupti;

  PlantedFault fault;
  std::int64_t hang_call = 0;  ///< work put on a stream by the n-th call never ends; 0: none

  // What was seen.
  std::int64_t calls = 0;
  std::vector<std::string> names;   ///< of the calls, in order
  std::vector<std::string> misuse;  ///< what no correct program does, in words
  std::int64_t endless_waits = 0;   ///< calls that would never have returned
  std::int64_t allocations = 0;     ///< successful ones
  std::int64_t peak_bytes = 0;
  std::vector<std::uint64_t> kernel_begins_ns;

  /// Everything that exists: "2 allocations, 1 stream"; "" when nothing was left behind.
  [[nodiscard]] std::string leaks() const;
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

  // For the functions of CUDA.
  /// Notes a call. @param safe_in_capture false: CUDA forbids it while the thread captures
  /// @return what it must answer instead of doing its work, or cudaSuccess
  cudaError_t begin(const char* name, bool safe_in_capture = true);
  /// Keeps a failure for cudaGetLastError(). @return `status`
  cudaError_t keep(cudaError_t status);
  cudaError_t take_last();
  /// Puts work on a stream, or into the graph that the stream is captured into.
  void put(cudaStream_t stream, cudaGraphNodeType type, std::function<void()> work);
  /// Runs what is on a stream. @return false: it never ends, and who waits for it never returns
  /// @param until stops as soon as it holds
  bool drain(
      CUstream_st& stream, const std::function<bool()>& until = [] { return false; });
  bool drain_all();
  /// The stream of a handle; null: the default stream.
  CUstream_st& at(cudaStream_t stream) { return stream == nullptr ? default_stream_ : *stream; }
  void forbid(const std::string& what) { misuse.push_back(what); }
  void* allocate(std::size_t bytes, bool pinned);
  void release(void* memory, bool pinned);
  /// Whether [memory, memory + bytes) lies in one allocation of the device; else it is misuse.
  bool inside(const void* memory, std::size_t bytes, const char* name);
  cudaError_t begin_capture(CUstream_st& stream);
  cudaError_t end_capture(CUstream_st& stream, cudaGraph_t* graph);
  void join_capture(CUstream_st& stream, CUgraph_st* graph);
  [[nodiscard]] bool hangs() const { return hung_; }
  std::uint64_t now_ns = 1'000'000;
  static constexpr std::uint64_t kOperationNs = 2000;

  template <class Object>
  struct Live {
    std::map<Object*, std::unique_ptr<Object>> all;
    Object* make() {
      auto owned = std::make_unique<Object>();
      auto* made = owned.get();
      all.emplace(made, std::move(owned));
      return made;
    }
    [[nodiscard]] bool has(Object* object) const { return all.count(object) == 1; }
    bool drop(Object* object) { return all.erase(object) == 1; }
  };
  Live<CUstream_st> streams;
  Live<CUevent_st> events;
  Live<CUgraph_st> graphs;
  Live<CUgraphExec_st> instances;
  std::int64_t blas_handles = 0;

 private:
  struct Memory {
    std::size_t bytes;
    bool pinned;
  };
  std::map<std::byte*, Memory> memory_;
  std::int64_t bytes_ = 0;
  CUstream_st default_stream_;
  std::vector<CUstream_st*> captured_;  ///< of the one capture
  bool capture_broken_ = false;
  cudaError_t last_ = cudaSuccess;
  cudaError_t repeated_ = cudaSuccess;
  std::int64_t counted_ = 0;  ///< calls that the fault counts
  bool hung_ = false;
  bool hang_next_ = false;
};

/// The device of this process.
FakeCuda& fake_cuda();

/// A device as new, well and empty; objects of the old one must be gone.
void reset_fake_cuda();

}  // namespace hotexpert::test
