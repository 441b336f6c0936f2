#include "kernels/cuda/graph.hpp"

#include <cuda_runtime_api.h>

#include <vector>

#include "kernels/cuda/check.hpp"

namespace hotexpert {
namespace {

struct DestroyGraph {
  void operator()(CUgraph_st* graph) const { (void)succeeded(cudaGraphDestroy(graph)); }
};
using CapturedGraph = std::unique_ptr<CUgraph_st, DestroyGraph>;

std::int64_t kernel_nodes(cudaGraph_t graph, std::string_view what) {
  std::size_t count = 0;
  check_cuda(cudaGraphGetNodes(graph, nullptr, &count), what);
  std::vector<cudaGraphNode_t> nodes(count);
  check_cuda(cudaGraphGetNodes(graph, nodes.data(), &count), what);
  std::int64_t kernels = 0;
  for (const auto& node : nodes) {
    cudaGraphNodeType type{};
    check_cuda(cudaGraphNodeGetType(node, &type), what);
    kernels += type == cudaGraphNodeTypeKernel ? 1 : 0;
  }
  return kernels;
}

CapturedGraph captured(DeviceStream stream, const std::function<void()>& enqueue,
                       std::string_view what) {
  check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), what);
  cudaGraph_t graph = nullptr;
  try {
    enqueue();
  } catch (...) {
    (void)succeeded(cudaStreamEndCapture(stream, &graph));
    const CapturedGraph half(graph);
    throw;
  }
  const cudaError_t status = cudaStreamEndCapture(stream, &graph);
  CapturedGraph whole(graph);
  check_cuda(status, what);
  return whole;
}

}  // namespace

void OwnedGraph::Destroy::operator()(CUgraphExec_st* graph) const {
  (void)succeeded(cudaGraphExecDestroy(graph));
}

OwnedGraph capture_graph(DeviceStream stream, const std::function<void()>& enqueue,
                         std::string_view what) {
  const CapturedGraph graph = captured(stream, enqueue, what);
  OwnedGraph made;
  made.kernels = kernel_nodes(graph.get(), what);
  cudaGraphExec_t instance = nullptr;
  check_cuda(cudaGraphInstantiate(&instance, graph.get(), 0), what);
  made.graph.reset(instance);
  return made;
}

}  // namespace hotexpert
