#include "kernels/cuda/expert_products.hpp"
#include "kernels/cuda/wait.hpp"
#include "kernels/plugin/expert_plugin.hpp"

namespace hotexpert {
namespace {

/// A plugin's pass over the buffers of one plan. create() runs here, before anything is timed.
class PluginProducts final : public ExpertProducts {
 public:
  PluginProducts(const ExpertPlugin& plugin, const LayerShape& shape, PlanBuffers& plan,
                 const DeviceWeights& weights)
      : plan_(plan),
        needs_host_offsets_(plugin.has(HOTEXPERT_NEEDS_HOST_OFFSETS)),
        state_(std::make_unique<PluginState>(plugin, layer_of(plugin, shape, plan, weights))) {
    host_offsets_.push_back(0);
    for (const auto& expert : plan.rows.experts)
      host_offsets_.push_back(static_cast<std::int32_t>(expert.first + expert.used));
  }

  ~PluginProducts() override {
    // destroy() may wait for the device.
    if (!abandoned_device().empty()) (void)state_.release();
  }
  PluginProducts(const PluginProducts&) = delete;
  PluginProducts& operator=(const PluginProducts&) = delete;

  void enqueue(DeviceStream stream, const TraceBuffers& /*trace*/) override {
    if (plan_.rows.buffer_rows() == 0) return;
    hotexpert_batch batch{};
    batch.struct_bytes = sizeof(batch);
    batch.rows = plan_.rows.buffer_rows();
    batch.x = plan_.x.data();
    batch.y = plan_.y.data();
    batch.offsets = plan_.first_row.as<const std::int32_t>();
    batch.host_offsets = needs_host_offsets_ ? host_offsets_.data() : nullptr;
    batch.scratch_in = plan_.stored.data();
    batch.scratch_hidden = plan_.hidden.data();
    batch.stream = stream;
    state_->run(batch);
  }

 private:
  static hotexpert_layer layer_of(const ExpertPlugin& plugin, const LayerShape& shape,
                                  const PlanBuffers& plan, const DeviceWeights& weights) {
    auto layer = plugin.layer(shape, plan.num_experts(), HOTEXPERT_ON_CUDA, 1);
    layer.w_in = weights.in.data();
    layer.w_down = weights.down.data();
    return layer;
  }

  PlanBuffers& plan_;
  bool needs_host_offsets_;
  std::vector<std::int32_t> host_offsets_;  // [experts + 1]
  std::unique_ptr<PluginState> state_;
};

}  // namespace

std::unique_ptr<ExpertProducts> make_plugin_products(const LayerShape& shape, PlanBuffers& plan,
                                                     const DeviceWeights& weights) {
  return std::make_unique<PluginProducts>(ExpertPlugin::load(plan.choice.plugin), shape, plan,
                                          weights);
}

}  // namespace hotexpert
