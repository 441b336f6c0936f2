#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/bfloat16.hpp"
#include "kernels/cuda/plan/clock_stamp.hpp"
#include "kernels/cuda/plan/device_layer.hpp"
#include "kernels/cuda/plan/router_logits.hpp"
#include "kernels/cuda/plan/router_top_k_phases.hpp"
#include "kernels/cuda/plan/step_tiles.hpp"
#include "kernels/expert_weights.hpp"
#include "kernels/reference_expert.hpp"
#include "tests/kernels/cuda/host_block.hpp"
#include "tests/profiler/fake_training_device.hpp"

namespace hotexpert::test {

/// What a fake device does wrong.
struct Fault {
  bool wrong_expert = false;    ///< expert 0's rows are computed with expert 1's weights
  bool swapped_tokens = false;  ///< tokens 0 and 1 trade outputs
  bool lost_weight = false;     ///< the first slot's gate weight counts as 0
  bool wrong_rows = false;      ///< the layout differs from the plan's
  bool nan = false;             ///< one value of the output was never written
  bool k_tail = false;          ///< products of expert 0 end one short of K
  bool wrong_choice = false;    ///< the router puts a token's experts in another order
  bool unstamped = false;       ///< the last multiprocessor's clock is not read after a step
};

/// A layer of a device that computes on the host, in fp32, with fp64 experts.
class FakeDeviceLayer final : public DeviceLayer {
 public:
  FakeDeviceLayer(const LayerShape& shape, std::uint64_t seed, Fault fault, double clock_hz)
      : shape_(shape), seed_(seed), fault_(fault), clock_hz_(clock_hz) {}

  int load(const ExpertRows& rows, const CudaKernelChoice& choice) override {
    rows_.push_back(rows);
    choices_.push_back(choice);
    return static_cast<int>(rows_.size()) - 1;
  }
  void unload() override {
    rows_.clear();
    choices_.clear();
  }
  StepTimes run(int) override { return {5e-7, 1e-6, 2e-6, 5e-6, 2e-6, 1.1e-5, clock_hz_}; }
  StepTimes run_staged(int handle, const StepObserver& observer, bool) override {
    for (const auto stage :
         {StepStage::kRoute, StepStage::kPermute, StepStage::kExpert, StepStage::kCombine}) {
      observer(stage, true);
      observer(stage, false);
    }
    return run(handle);
  }

  std::vector<float> expert_rows(int handle) const {
    const auto& rows = rows_.at(static_cast<std::size_t>(handle));
    const auto d_model = static_cast<std::size_t>(shape_.d_model);
    std::vector<float> y(static_cast<std::size_t>(rows.buffer_rows()) * d_model, 0.0F);
    AlignedBuffer x(rows.tokens * shape_.d_model * 4);
    draw_activations(shape_, seed_, rows.tokens, 1, x.data());
    for (std::size_t e = 0; e < rows.experts.size(); ++e) {
      ExpertWeights weights;
      draw_expert_weights(shape_, seed_, fault_.wrong_expert && e == 0 ? 1 : static_cast<int>(e), 1,
                          weights);
      if (fault_.k_tail && e == 0) {
        float* last = weights.down.as<float>() + (shape_.d_ff - 1) * shape_.d_model;
        std::fill_n(last, d_model, 0.0F);
      }
      for (std::int64_t i = 0; i < rows.experts[e].used; ++i) {
        const auto row = static_cast<std::size_t>(rows.experts[e].first + i);
        const auto values = reference_expert(
            shape_, weights, x.data() + rows.source_token[row] * shape_.d_model * 4);
        for (std::size_t c = 0; c < d_model; ++c)
          y[row * d_model + c] = static_cast<float>(values[c]);
      }
    }
    return y;
  }
  std::vector<std::byte> read_expert_rows(int handle) override {
    const auto y = expert_rows(handle);
    std::vector<std::byte> bytes(y.size() * sizeof(float));
    std::memcpy(bytes.data(), y.data(), bytes.size());
    return bytes;
  }
  std::vector<float> read_output(int handle) override {
    const auto& rows = rows_.at(static_cast<std::size_t>(handle));
    const auto d_model = static_cast<std::size_t>(shape_.d_model);
    const auto y = expert_rows(handle);
    std::vector<float> out(static_cast<std::size_t>(rows.tokens) * d_model, 0.0F);
    for (std::size_t t = 0; t < static_cast<std::size_t>(rows.tokens); ++t) {
      for (int s = fault_.lost_weight ? 1 : 0; s < rows.slots; ++s) {
        const auto cell = t * static_cast<std::size_t>(rows.slots) + static_cast<std::size_t>(s);
        if (rows.row_of_slot[cell] < 0) continue;
        const auto row = static_cast<std::size_t>(rows.row_of_slot[cell]);
        for (std::size_t c = 0; c < d_model; ++c)
          out[t * d_model + c] += rows.weight_of_slot[cell] * y[row * d_model + c];
      }
    }
    if (fault_.swapped_tokens)
      for (std::size_t c = 0; c < d_model; ++c) std::swap(out[c], out[d_model + c]);
    if (fault_.nan) out[3] = std::numeric_limits<float>::quiet_NaN();
    return out;
  }
  std::vector<std::int32_t> read_row_of_slot(int handle) override {
    auto rows = rows_.at(static_cast<std::size_t>(handle)).row_of_slot;
    if (fault_.wrong_rows) std::swap(rows.front(), rows.back());
    return rows;
  }
  /// What the router's top-k makes of the logits, on the host.
  std::vector<std::int32_t> read_choices(int handle) override {
    const auto& rows = rows_.at(static_cast<std::size_t>(handle));
    const auto size = router_size(rows, shape_.num_shared_experts);
    const auto logits = router_logits(kept_choices(rows, size), size, seed_);
    const auto count = static_cast<std::size_t>(rows.tokens * size.top_k);
    std::vector<std::int32_t> expert(count);
    std::vector<float> weight(count);
    std::vector<std::int32_t> invalid(static_cast<std::size_t>(rows.tokens));
    std::vector<std::uint32_t> order(static_cast<std::size_t>(size.num_experts));
    const RouterTopK router{logits.data(), size.num_experts, size.top_k,    RouterScore::kSoftmax,
                            expert.data(), weight.data(),    invalid.data()};
    for (std::int64_t t = 0; t < rows.tokens; ++t)
      route_token(HostBlock{}, router, t, order.data());
    if (fault_.wrong_choice) std::swap(expert[0], expert[1]);
    return expert;
  }
  [[nodiscard]] std::int64_t launches(int) const override { return 9; }

  /// Tiles in the schedule's order, dealt out to multiprocessors whose counters run at 1.5 GHz,
  /// each from a start of its own; a tile takes 30 cycles a row.
  TracedStep trace(int handle) override {
    TracedStep step;
    step.times = run(handle);
    const auto& choice = choices_.at(static_cast<std::size_t>(handle));
    if (!records_tiles(choice)) {
      step.untraced = "This kernel records no tiles.";
      return step;
    }
    std::vector<ClockStamp> before;
    std::vector<ClockStamp> after;
    for (std::uint64_t sm = 0; sm < kMultiprocessors; ++sm) {
      before.push_back({1000 * sm, kStartNs});
      after.push_back({1000 * sm + 3'000'000, kStartNs + 2'000'000});
    }
    std::vector<std::uint64_t> busy_until(kMultiprocessors, 1500);  // cycles since `before`
    const bool paired = shape_.activation == Activation::kSwiglu;
    for (auto* into : {&step.up, &step.down}) {
      const bool up = into == &step.up;
      const int columns = up ? column_tiles(choice, shape_.d_ff, paired)
                             : column_tiles(choice, shape_.d_model, false);
      const auto& rows = rows_.at(static_cast<std::size_t>(handle));
      for (std::size_t e = 0; e < rows.experts.size(); ++e) {
        const auto count = static_cast<std::int32_t>(rows.experts[e].computed);
        for (int tile = 0; tile < row_tiles(count, choice.tile_rows) * columns; ++tile) {
          const auto sm = into->size() % kMultiprocessors;
          const auto begin = 1000 * sm + busy_until[sm];
          busy_until[sm] += static_cast<std::uint64_t>(30 * choice.tile_rows);
          into->push_back({begin, 1000 * sm + busy_until[sm], static_cast<int>(e),
                           static_cast<int>(sm), tile / columns, tile % columns});
        }
      }
    }
    if (fault_.unstamped) after.back() = {};
    if (!anchor_tiles(before, after, step.up) || !anchor_tiles(before, after, step.down))
      step.untraced = "The clock of a multiprocessor was not read beside its tiles.";
    return step;
  }
  static constexpr std::uint64_t kMultiprocessors = 4;
  static constexpr std::uint64_t kStartNs = 1'700'000'000'000'000'000;

 private:
  LayerShape shape_;
  std::uint64_t seed_;
  Fault fault_;
  double clock_hz_;
  std::vector<ExpertRows> rows_;
  std::vector<CudaKernelChoice> choices_;
};

/// A device with the memory, clock and faults a test gives it.
struct FakeDeviceRuntime final : DeviceRuntime {
  CudaDevice facts;
  std::int64_t free = std::int64_t{1} << 34;
  std::string no_cublas;
  Fault fault;
  double clock_hz = 1.7e9;

  FakeDeviceRuntime() {
    facts.name = "fake H100";
    facts.major = 9;
    facts.multiprocessors = FakeDeviceLayer::kMultiprocessors;
    facts.memory_bytes = std::int64_t{1} << 35;
    facts.clock_hz = 1.98e9;
  }
  [[nodiscard]] CudaDevice device() const override { return facts; }
  [[nodiscard]] std::int64_t free_bytes() const override { return free; }
  [[nodiscard]] std::string cublas_unavailable() const override { return no_cublas; }
  std::unique_ptr<DeviceLayer> make_layer(const LayerShape& shape, int, std::uint64_t seed,
                                          int) override {
    return std::make_unique<FakeDeviceLayer>(shape, seed, fault, clock_hz);
  }
  std::unique_ptr<DeviceTrainingLayer> make_training_layer(const LayerShape& shape, int,
                                                           std::uint64_t seed,
                                                           LayerPass pass) override {
    return std::make_unique<FakeTrainingLayer>(shape, seed, pass, backward_fault);
  }
  BackwardFault backward_fault;
  std::string start_capture() override {
    ++captures;
    return no_capture;
  }
  void stop_capture() override { --captures; }
  [[nodiscard]] std::string lost() const override { return gone; }
  int captures = 0;        ///< started and not stopped
  std::string no_capture;  ///< why captures cannot be started
  std::string gone;        ///< why the device cannot be used any more
};

}  // namespace hotexpert::test
