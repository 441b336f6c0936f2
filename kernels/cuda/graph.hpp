#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "kernels/cuda/stream.hpp"

struct CUgraphExec_st;

namespace hotexpert {

/// A captured step: what is launched, and how many kernels that is.
struct OwnedGraph {
  struct Destroy {
    void operator()(CUgraphExec_st* graph) const;
  };
  std::unique_ptr<CUgraphExec_st, Destroy> graph;
  std::int64_t kernels = 0;
};

/// Captures what `enqueue` puts on the stream, and on streams that fork from it and join again.
/// @param what what was being done, in words   @throws as check_cuda(), and what `enqueue` throws;
/// the stream is usable again afterwards
OwnedGraph capture_graph(DeviceStream stream, const std::function<void()>& enqueue,
                         std::string_view what);

}  // namespace hotexpert
