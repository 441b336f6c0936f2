#pragma once

#include <cstdint>
#include <string_view>

namespace hotexpert {

/// Which pass of the layer is run.
///   forward   y = experts(x), combined by gate weights
///   backward  from the gradient of the output: those of the input and of the gate weights (dgrad),
///   and of
///             the experts' weights (wgrad), with what one forward pass before kept
///   training  forward, then backward
enum class LayerPass : std::uint8_t { kForward, kBackward, kTraining };

std::string_view name(LayerPass pass);              ///< "forward", "backward", "training"
LayerPass parse_layer_pass(std::string_view text);  ///< @throws UsageError

/// Floating-point operations of a pass over those of the forward pass: 1, 2, 3. Each of the forward
/// products has two of its size behind it, one for its input and one for its weights.
int forward_flops_multiple(LayerPass pass);

}  // namespace hotexpert
