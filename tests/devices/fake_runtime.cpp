// The functions of CUDA's runtime that kernels/cuda calls, and the driver's one, over FakeCuda.

#include <cuda.h>
#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <cstring>

#include "tests/devices/fake_cuda.hpp"
#include "tests/devices/fake_tensor_map.hpp"

using hotexpert::test::fake_cuda;
using hotexpert::test::FakeCuda;

namespace {

/// The end of a waiting call. @return success only when it would have returned
cudaError_t waited(bool ended) {
  if (ended) return cudaSuccess;
  ++fake_cuda().endless_waits;
  return fake_cuda().keep(cudaErrorLaunchTimeout);
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                 const char* name) {
  auto& device = fake_cuda();
  const bool fits = (kind == cudaMemcpyHostToDevice || device.inside(from, bytes, name)) &&
                    (kind == cudaMemcpyDeviceToHost || device.inside(to, bytes, name));
  if (!fits) return device.keep(cudaErrorInvalidValue);
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

CUresult encode_tiled(CUtensorMap* map, CUtensorMapDataType, cuuint32_t rank, void* address,
                      const cuuint64_t* dims, const cuuint64_t*, const cuuint32_t*,
                      const cuuint32_t*, CUtensorMapInterleave, CUtensorMapSwizzle,
                      CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
  auto& device = fake_cuda();
  if (device.begin("cuTensorMapEncodeTiled") != cudaSuccess) {
    (void)device.take_last();  // the driver keeps none
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (rank != 2 || !device.inside(address, 2 * dims[0] * dims[1], "cuTensorMapEncodeTiled"))
    return CUDA_ERROR_INVALID_VALUE;
  hotexpert::test::write_matrix_of(*map, address);
  return CUDA_SUCCESS;
}

}  // namespace

extern "C" {

cudaError_t cudaGetLastError() { return fake_cuda().take_last(); }

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    default:
      return "cudaErrorOfAFake";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    default:
      return "an error that a test planted";
  }
}

cudaError_t cudaDriverGetVersion(int* version) {
  if (const auto status = fake_cuda().begin("cudaDriverGetVersion")) return status;
  *version = fake_cuda().driver_version;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaGetDeviceCount")) return status;
  if (device.driver_version / 1000 < CUDART_VERSION / 1000)
    return device.keep(cudaErrorInsufficientDriver);
  *count = device.devices;
  return device.devices > 0 ? cudaSuccess : device.keep(cudaErrorNoDevice);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaGetDeviceProperties")) return status;
  *properties = {};
  std::strcpy(properties->name, "a fake H100");
  properties->major = device.major;
  properties->minor = 0;
  properties->multiProcessorCount = device.multiprocessors;
  properties->totalGlobalMem = static_cast<std::size_t>(device.memory_bytes);
  properties->l2CacheSize = 1 << 16;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  if (const auto status = fake_cuda().begin("cudaDeviceGetAttribute")) return status;
  *value = 1'980'000;  // kHz: the only attribute asked for is the clock
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMemGetInfo")) return status;
  *total = static_cast<std::size_t>(device.memory_bytes);
  *free = static_cast<std::size_t>(device.memory_bytes - device.bytes());
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMalloc", false)) return status;
  *memory = device.allocate(bytes, false);
  return *memory == nullptr ? device.keep(cudaErrorMemoryAllocation) : cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMallocHost", false)) return status;
  *memory = device.allocate(bytes, true);
  return *memory == nullptr ? device.keep(cudaErrorMemoryAllocation) : cudaSuccess;
}

// What is given back is gone, whatever the call answers.
cudaError_t cudaFree(void* memory) {
  auto& device = fake_cuda();
  const auto status = device.begin("cudaFree", false);
  const bool ended = device.drain_all();
  device.release(memory, false);
  return status != cudaSuccess ? status : waited(ended);
}

cudaError_t cudaFreeHost(void* memory) {
  auto& device = fake_cuda();
  const auto status = device.begin("cudaFreeHost", false);
  const bool ended = device.drain_all();
  device.release(memory, true);
  return status != cudaSuccess ? status : waited(ended);
}

cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMemset", false)) return status;
  if (!device.inside(memory, bytes, "cudaMemset")) return device.keep(cudaErrorInvalidValue);
  device.put(nullptr, cudaGraphNodeTypeMemset, [=] { std::memset(memory, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMemsetAsync")) return status;
  if (!device.inside(memory, bytes, "cudaMemsetAsync")) return device.keep(cudaErrorInvalidValue);
  device.put(stream, cudaGraphNodeTypeMemset, [=] { std::memset(memory, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMemcpy", false)) return status;
  if (!device.drain(device.at(nullptr))) return waited(false);
  return copy(to, from, bytes, kind, "cudaMemcpy");
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMemcpy2D", false)) return status;
  if (height == 0 || width == 0) return cudaSuccess;
  if (!device.inside(to, (height - 1) * to_pitch + width, "cudaMemcpy2D") ||
      !device.inside(from, (height - 1) * from_pitch + width, "cudaMemcpy2D"))
    return device.keep(cudaErrorInvalidValue);
  device.put(nullptr, cudaGraphNodeTypeMemcpy, [=] {
    for (std::size_t row = 0; row < height; ++row)
      std::memcpy(static_cast<std::byte*>(to) + row * to_pitch,
                  static_cast<const std::byte*>(from) + row * from_pitch, width);
  });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaMemcpyAsync")) return status;
  if (kind == cudaMemcpyDeviceToHost && !device.inside(to, bytes, "cudaMemcpyAsync to pageable"))
    return device.keep(cudaErrorInvalidValue);  // it would wait for the device, without a limit
  device.put(stream, cudaGraphNodeTypeMemcpy,
             [=] { (void)copy(to, from, bytes, kind, "cudaMemcpyAsync"); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (const auto status = fake_cuda().begin("cudaStreamCreateWithFlags")) return status;
  *stream = fake_cuda().streams.make();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  auto& device = fake_cuda();
  const auto status = device.begin("cudaStreamDestroy");
  if (status == cudaSuccess && !device.hangs() && device.streams.has(stream))
    (void)device.drain(*stream);
  if (!device.streams.drop(stream)) device.forbid("cudaStreamDestroy of no stream");
  return status;
}

// Work that is due is done between the first question and the second.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaStreamQuery", false)) return status;
  auto& asked = device.at(stream);
  if (!device.hangs() && asked.work.empty()) return cudaSuccess;
  if (device.hangs()) return device.keep(cudaErrorNotReady);
  (void)device.drain(asked);
  return device.keep(cudaErrorNotReady);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaStreamWaitEvent")) return status;
  if (event->capture != nullptr) {
    device.join_capture(device.at(stream), event->capture);
    return cudaSuccess;
  }
  device.put(stream, cudaGraphNodeTypeWaitEvent, [event, &device] {
    if (device.events.has(event) && device.streams.has(event->stream))
      (void)device.drain(*event->stream, [event] { return event->pending == 0; });
  });
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (const auto status = fake_cuda().begin("cudaStreamBeginCapture")) return status;
  return fake_cuda().begin_capture(*stream);
}

// A capture ends, whatever the call answers: CUDA leaves no stream captured.
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  auto& device = fake_cuda();
  const auto status = device.begin("cudaStreamEndCapture");
  *graph = nullptr;
  const auto ended = device.end_capture(*stream, graph);
  if (status == cudaSuccess) return ended;
  if (*graph != nullptr) device.graphs.drop(*graph);
  *graph = nullptr;
  return status;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  if (const auto status = fake_cuda().begin("cudaGraphGetNodes")) return status;
  if (nodes != nullptr)
    for (std::size_t i = 0; i < *count; ++i) nodes[i] = &graph->nodes.at(i);
  *count = graph->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  if (const auto status = fake_cuda().begin("cudaGraphNodeGetType")) return status;
  *type = node->type;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* instance, cudaGraph_t graph, unsigned long long) {
  if (const auto status = fake_cuda().begin("cudaGraphInstantiate")) return status;
  *instance = fake_cuda().instances.make();
  (*instance)->nodes = graph->nodes;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaGraphLaunch")) return status;
  for (const auto& node : instance->nodes) device.put(stream, node.type, node.work);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const auto status = fake_cuda().begin("cudaGraphDestroy");
  if (!fake_cuda().graphs.drop(graph)) fake_cuda().forbid("cudaGraphDestroy of no graph");
  return status;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance) {
  const auto status = fake_cuda().begin("cudaGraphExecDestroy");
  if (!fake_cuda().instances.drop(instance))
    fake_cuda().forbid("cudaGraphExecDestroy of no instance");
  return status;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if (const auto status = fake_cuda().begin("cudaEventCreateWithFlags")) return status;
  *event = fake_cuda().events.make();
  (*event)->timing = flags != cudaEventDisableTiming;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const auto status = fake_cuda().begin("cudaEventDestroy");
  if (!fake_cuda().events.drop(event)) fake_cuda().forbid("cudaEventDestroy of no event");
  return status;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaEventRecord")) return status;
  auto& on = device.at(stream);
  event->reached_ns = 0;
  event->stream = &on;
  event->capture = flags == cudaEventRecordExternal ? nullptr : on.capture;
  if (event->capture != nullptr) return cudaSuccess;
  const bool replayed = on.capture != nullptr;
  if (!replayed) ++event->pending;
  device.put(stream, cudaGraphNodeTypeEventRecord, [event, &device, replayed] {
    if (!device.events.has(event)) return;
    event->reached_ns = device.now_ns;
    if (!replayed) --event->pending;
  });
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  auto& device = fake_cuda();
  if (const auto status = device.begin("cudaEventElapsedTime")) return status;
  if (!from->timing || !to->timing || from->stream == nullptr || to->stream == nullptr)
    return device.keep(cudaErrorInvalidResourceHandle);
  if (from->reached_ns == 0 || to->reached_ns == 0) return device.keep(cudaErrorNotReady);
  *milliseconds = 1e-6F * static_cast<float>(to->reached_ns - from->reached_ns);
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char*, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  if (const auto status = fake_cuda().begin("cudaGetDriverEntryPointByVersion")) return status;
  *function = reinterpret_cast<void*>(&encode_tiled);
  *found = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}

cudaError_t cudaProfilerStart() { return fake_cuda().begin("cudaProfilerStart"); }
cudaError_t cudaProfilerStop() { return fake_cuda().begin("cudaProfilerStop"); }

}  // extern "C"
