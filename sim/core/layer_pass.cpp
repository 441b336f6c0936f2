#include "sim/core/layer_pass.hpp"

#include <array>

#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

struct PassRow {
  std::string_view name;
  LayerPass pass;
  int forward_flops;
};
constexpr std::array kPasses = {PassRow{"forward", LayerPass::kForward, 1},
                                PassRow{"backward", LayerPass::kBackward, 2},
                                PassRow{"training", LayerPass::kTraining, 3}};

}  // namespace

std::string_view name(LayerPass pass) { return kPasses[static_cast<std::size_t>(pass)].name; }

LayerPass parse_layer_pass(std::string_view text) {
  return find_row(kPasses, "pass of the layer", text).pass;
}

int forward_flops_multiple(LayerPass pass) {
  return kPasses[static_cast<std::size_t>(pass)].forward_flops;
}

}  // namespace hotexpert
