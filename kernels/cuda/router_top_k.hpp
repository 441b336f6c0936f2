#pragma once

#include <cstdint>

#include "kernels/cuda/plan/router_top_k_phases.hpp"
#include "kernels/cuda/stream.hpp"

namespace hotexpert {

/// Routes every token, one block a token; see route_token(). Device pointers.
void launch_router_top_k(const RouterTopK& router, std::int64_t tokens, DeviceStream stream);

}  // namespace hotexpert
