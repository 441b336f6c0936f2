#include "scenarios/cli/explain_kernels.hpp"

#include <fmt/format.h>

#include <array>

#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/cuda/plan/device_training.hpp"
#include "kernels/cuda/plan/layer_memory.hpp"
#include "kernels/cuda/plan/sm90_variants.hpp"
#include "scenarios/runner/presets.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kParams = {
    ParamSpec{"tokens", 8192, 1, 1 << 24, "tokens of a step"},
    ParamSpec{"sm", 90, 50, 999, "compute capability times 10"},
    ParamSpec{"multiprocessors", 132, 1, 1024, "of the device"},
    ParamSpec{"scale", 1, 1, 1024, "divides d_model and d_ff"},
    ParamSpec{"dtype", 1, 0, 1, "data type", "fp32|bf16"},
    ParamSpec{"activation", 0, 0, 2, "of the experts", "swiglu|gelu|relu"},
};

LayerShape shape_of(const NamedChoice& choice) {
  const auto& preset = find_row(presets(), "preset", choice.name());
  const auto scale = choice.get_integer("scale");
  LayerShape shape;
  shape.num_experts = preset.num_experts;
  shape.top_k = preset.top_k;
  shape.d_model = preset.d_model / scale;
  shape.d_ff = preset.d_ff / scale;
  shape.num_shared_experts = preset.num_shared_experts;
  shape.scale = static_cast<int>(scale);
  shape.dtype = parse_dtype(choice.get_word("dtype"));
  shape.activation = parse_activation(choice.get_word("activation"));
  return shape;
}

CudaDevice device_of(const NamedChoice& choice) {
  CudaDevice device;
  const auto capability = static_cast<int>(choice.get_integer("sm"));
  device.name = fmt::format("sm_{}", capability);
  device.major = capability / 10;
  device.minor = capability % 10;
  device.multiprocessors = static_cast<int>(choice.get_integer("multiprocessors"));
  return device;
}

std::string_view name(TileOrder order) {
  constexpr std::array<std::string_view, 3> kNames = {"expert", "hot-first", "dynamic"};
  return kNames[static_cast<std::size_t>(order)];
}

/// Variants that the arithmetic favours, which stay out of the choice until a device timed them.
std::string untimed_text(const LayerShape& shape, const CudaKernelChoice& choice,
                         std::int64_t tokens) {
  std::string text;
  for (const auto& variant : untimed_variants(shape, choice, tokens))
    text +=
        fmt::format("{}try {}: {}", text.empty() ? "" : "; ", variant.parameters, variant.reason);
  return text;
}

/// What a hot expert can do to weight gradients, of kernels whose wgrad is our bf16 one.
std::string wgrad_text(const LayerShape& shape, const CudaKernelChoice& choice) {
  const bool ours = choice.strategy == CudaStrategy::kGrouped &&
                    (choice.engine == CudaEngine::kSm90 || choice.engine == CudaEngine::kMma);
  if (!ours) return "";
  const double share = longest_wgrad_share(shape, choice.blocks);
  return fmt::format("one tile takes {:.0f} % of its launch at most: {}", 100 * share,
                     share < 1 ? "a hot expert is hidden, wgrad=split saves nothing"
                               : "a hot expert can set the time, try wgrad=split");
}

}  // namespace

CommandTable explain_cuda_kernels(std::string_view text) {
  const auto parsed = NamedChoice::parse(text, kParams, "shape");
  const LayerShape shape = shape_of(parsed);
  const CudaDevice device = device_of(parsed);
  const std::int64_t tokens = parsed.get_integer("tokens");
  const int slots = shape.top_k + shape.num_shared_experts;
  const int experts = shape.num_experts + shape.num_shared_experts;
  CommandTable table;
  table.columns = {"kernel",   "engine", "tile", "order", "blocks",
                   "up_tiles", "GiB",    "why",  "wgrad", "not_measured"};
  for (const auto& row : cuda_kernels()) {
    Json json = Json::object().set("kernel", row.name);
    if (const auto reason = cuda_unsupported(shape, row.name, device)) {
      table.rows.push_back(std::move(json.set("why", *reason)));
      continue;
    }
    const auto choice = choose_cuda_kernel(shape, row.name, tokens, device);
    auto bytes =
        plan_bytes(shape, experts, {tokens, slots, tokens * slots}, choice.fused_activation());
    bytes.weights = weight_set_bytes(shape, experts, choice.weight_sets);
    const bool ours = choice.own_tiles();
    const bool paired = shape.activation == Activation::kSwiglu;
    json.set("engine", name(choice.engine))
        .set("tile", ours ? fmt::format("{} x {}", choice.tile_rows, choice.tile_columns) : "")
        .set("order", ours ? name(choice.order) : "")
        .set("blocks", choice.blocks)
        .set("up_tiles", ours ? column_tiles(choice, shape.d_ff, paired) : 0)
        .set("GiB", static_cast<double>(bytes.total()) / (std::int64_t{1} << 30))
        .set("why", choice.reason)
        .set("wgrad", wgrad_text(shape, choice))
        .set("not_measured", untimed_text(shape, choice, tokens));
    table.rows.push_back(std::move(json));
  }
  return table;
}

}  // namespace hotexpert
