#include "profiler/cuda_backend.hpp"

#include <stdexcept>

#include "kernels/cuda/device.hpp"

namespace hotexpert {
namespace {

/// Finds the device and says what is missing. The expert kernels are not in this version: a device
/// alone cannot run a layer.
class CudaBackend final : public LayerBackend {
 public:
  CudaBackend() : device_(first_cuda_device()) {}

  [[nodiscard]] BackendInfo info() const override {
    return {"cuda", device_.name, Provenance::kMeasured,
            device_.unavailable.empty()
                ? "device '" + device_.name +
                      "' is there, but this version has no CUDA expert kernels; use backend cpu"
                : device_.unavailable};
  }
  [[nodiscard]] std::optional<std::string> unsupported(const LayerShape&,
                                                       std::string_view) const override {
    return info().unavailable;
  }
  std::unique_ptr<PreparedLayer> prepare(const LayerShape&, std::string_view, int,
                                         std::uint64_t) override {
    throw std::logic_error(info().unavailable);
  }

 private:
  CudaDevice device_;
};

}  // namespace

std::unique_ptr<LayerBackend> make_cuda_backend(int /*threads*/) {
  return std::make_unique<CudaBackend>();
}

}  // namespace hotexpert
