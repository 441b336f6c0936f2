#include "profiler/model_backend.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sim/model/predict.hpp"

namespace hotexpert {
namespace {

class ModelLayer final : public PreparedLayer {
 public:
  ModelLayer(LayerShape shape, std::string kernel, DeviceDescription device)
      : shape_(shape), kernel_(std::move(kernel)), device_(std::move(device)) {}

  int load(const DispatchPlan& plan) override {
    priced_.push_back({predict(plan, shape_, kernel_, device_),
                       computed_rows_of(plan, shape_, kernel_family(kernel_))});
    return static_cast<int>(priced_.size()) - 1;
  }
  void unload() override { priced_.clear(); }
  PhaseTimes run(int handle) override { return at(handle).times; }

  std::vector<float> read_output(int /*handle*/) override {
    throw std::logic_error("a modelled layer has no output");
  }
  double verify(int /*handle*/, int& /*bad_expert*/) override {
    throw std::logic_error("a modelled layer has no output to verify");
  }
  [[nodiscard]] std::int64_t computed_rows(int handle) const override {
    return priced_.at(static_cast<std::size_t>(handle)).computed_rows;
  }

 private:
  struct Priced {
    PhaseTimes times;
    std::int64_t computed_rows = 0;
  };
  Priced& at(int handle) { return priced_.at(static_cast<std::size_t>(handle)); }

  LayerShape shape_;
  std::string kernel_;
  DeviceDescription device_;
  std::vector<Priced> priced_;
};

class ModelBackend final : public LayerBackend {
 public:
  ModelBackend(std::optional<DeviceDescription> device, LayerPass pass)
      : device_(std::move(device)), pass_(pass) {}

  [[nodiscard]] BackendInfo info() const override {
    BackendInfo info{"model", "any device that a file describes: --device NAME|FILE",
                     Provenance::kModelled, ""};
    if (!device_) return info;
    info.device = device_->name + ": " + device_->source;
    if (device_->held_out_error > 0) info.held_out_error = device_->held_out_error;
    return info;
  }

  [[nodiscard]] std::optional<std::string> unsupported(const LayerShape& /*shape*/,
                                                       std::string_view kernel) const override {
    (void)kernel_family(kernel);
    if (pass_ != LayerPass::kForward)
      return "the cost model prices the forward pass only; use layer.pass forward, or measure with "
             "backend cpu or cuda";
    return std::nullopt;
  }

  std::unique_ptr<PreparedLayer> prepare(const LayerShape& shape, std::string_view kernel,
                                         int /*num_physical*/, std::uint64_t /*seed*/) override {
    if (!device_) throw std::logic_error("the model backend was made without a device");
    return std::make_unique<ModelLayer>(shape, std::string(kernel), *device_);
  }

 private:
  std::optional<DeviceDescription> device_;
  LayerPass pass_;
};

}  // namespace

std::unique_ptr<LayerBackend> make_model_backend(const BackendOptions& options) {
  return std::make_unique<ModelBackend>(options.device, options.pass);
}

}  // namespace hotexpert
