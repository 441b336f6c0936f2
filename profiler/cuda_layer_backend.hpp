#pragma once

#include <memory>

#include "kernels/cuda/plan/device_layer.hpp"
#include "profiler/layer_backend.hpp"

namespace hotexpert {

/// The CUDA backend over a device runtime: the real one, or a test's fake.
/// - supports(): the kernel list's rules, and the bytes of the weights against the free memory;
/// - load(): throws NotEnoughMemory with the bytes a plan needs, before anything is reserved;
/// - run(): the router's top-k over logits that agree with the plan is part of route_s, and
///   router_s; rows are then laid out from the plan's own ids;
/// - verify(): draws weights and activations again on the host, checks them in fp64, and counts a
///   device that chose other experts, or laid out other rows, than the plan as infinitely wrong;
/// - device_measurements(): the median clock of all samples, and how many ran below 75 % of the
///   device's highest clock;
/// - lost(): an error that the device repeats, or a wait that was given up (kernels/cuda/wait.hpp).
std::unique_ptr<LayerBackend> make_cuda_layer_backend(std::unique_ptr<DeviceRuntime> runtime,
                                                      int threads,
                                                      LayerPass pass = LayerPass::kForward);

}  // namespace hotexpert
