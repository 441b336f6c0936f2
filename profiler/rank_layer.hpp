#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "profiler/communicator.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/layer_shape.hpp"
#include "sim/routing/exchange_layout.hpp"

namespace hotexpert {

/// Seconds of one pass on one rank, in the order in which they pass.
struct RankPhases {
  double pack_s = 0;      ///< gather the rows of own tokens, by destination
  double dispatch_s = 0;  ///< all-to-all to the experts' ranks
  double arrange_s = 0;   ///< received rows into expert order
  double ffn_s = 0;       ///< experts, shared ones included
  double gather_s = 0;    ///< expert rows into the order they came in
  double wait_s = 0;      ///< for the slowest rank
  double return_s = 0;    ///< all-to-all back
  double combine_s = 0;   ///< weighted sum over each own token's slots
  [[nodiscard]] double total_s() const {
    return pack_s + dispatch_s + arrange_s + ffn_s + gather_s + wait_s + return_s + combine_s;
  }
};

/// One rank's part of an expert-parallel layer on CPU kernels: it owns tokens and holds the
/// physical experts that the plan places on it. Copies of an expert have its weights. The output of
/// a token is summed at its own rank in slot order, shared experts last: in fp32 the same bits as
/// one process computes, for any number of ranks.
class RankLayer {
 public:
  /// @param slot_expert [P] logical expert of each physical one   @param kernel a CPU kernel's name
  /// @param slot_rank [P] rank of each physical expert
  /// @throws UsageError for an unknown kernel
  RankLayer(const LayerShape& shape, std::string_view kernel,
            std::span<const std::int32_t> slot_expert, std::span<const std::int32_t> slot_rank,
            std::uint64_t seed, Communicator& ranks, int threads);
  ~RankLayer();

  /// Makes the buffers of this rank's part of `plan`, whose experts are those given above.
  /// @param source_rank [tokens] owner of each token
  /// @return a handle for the functions below
  int load(const DispatchPlan& plan, std::span<const std::int32_t> source_rank);

  /// One pass, from a barrier on. Collective. Its stages are annotated: the wait for the slowest
  /// rank is a range all_to_all of its own.
  RankPhases run(int handle);

  /// Output of the own tokens [own tokens, d_model] of the last pass, tokens in rising order.
  [[nodiscard]] const std::vector<float>& output(int handle) const;
  [[nodiscard]] const ExchangeLayout& layout(int handle) const;
  /// Rows that the dispatch moves to and from this rank, its own part included; the return moves
  /// them back.
  [[nodiscard]] const RowExchange& dispatched(int handle) const;

  /// Largest ||out - ref|| / ||ref|| of an expert of this rank in the last pass against fp64, over
  /// checked_rows() of layer_check.hpp.   @param bad_expert logical expert that has it, or -1
  double verify(int handle, int& bad_expert) const;
  /// Rows the kernel computes here, padding and shared experts included.
  [[nodiscard]] std::int64_t computed_rows(int handle) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hotexpert
