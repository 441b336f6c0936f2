#include <stdexcept>

#include "profiler/cuda_backend.hpp"

namespace hotexpert {
namespace {

constexpr const char* kReason =
    "this program was built without CUDA (no nvcc was found); install the CUDA Toolkit and build "
    "again, or use backend cpu";

class AbsentBackend final : public LayerBackend {
 public:
  [[nodiscard]] BackendInfo info() const override {
    return {"cuda", "", Provenance::kMeasured, kReason};
  }
  [[nodiscard]] std::optional<std::string> unsupported(const LayerShape&,
                                                       std::string_view) const override {
    return kReason;
  }
  std::unique_ptr<PreparedLayer> prepare(const LayerShape&, std::string_view, int,
                                         std::uint64_t) override {
    throw std::logic_error(kReason);
  }
};

}  // namespace

std::unique_ptr<LayerBackend> make_cuda_backend(int /*threads*/, LayerPass /*pass*/) {
  return std::make_unique<AbsentBackend>();
}

}  // namespace hotexpert
