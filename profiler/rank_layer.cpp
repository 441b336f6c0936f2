#include "profiler/rank_layer.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/aligned_buffer.hpp"
#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cpu/permute.hpp"
#include "kernels/parallel.hpp"
#include "profiler/annotate.hpp"
#include "profiler/clock.hpp"
#include "profiler/layer_check.hpp"
#include "sim/base/index.hpp"
#include "sim/routing/rank_plan.hpp"

namespace hotexpert {
namespace {

/// Some experts with their weights in a kernel.
struct ExpertGroup {
  std::vector<int> ids;  ///< numbers that weights are drawn by
  std::unique_ptr<CpuExpertKernel> kernel;
};

ExpertGroup make_group(LayerShape shape, std::string_view kernel, std::vector<int> ids,
                       std::uint64_t seed, int threads) {
  shape.num_shared_experts = 0;
  ExpertGroup group{std::move(ids), nullptr};
  if (group.ids.empty()) return group;
  group.kernel = make_cpu_kernel(shape, kernel, static_cast<int>(group.ids.size()), threads);
  ExpertWeights weights;
  for (std::size_t i = 0; i < group.ids.size(); ++i) {
    draw_expert_weights(shape, seed, group.ids[i], threads, weights);
    group.kernel->set_weights(static_cast<int>(i), weights);
  }
  return group;
}

/// One arrangement of rows through a group, with its input buffer.
struct GroupPass {
  ExpertRows rows;
  AlignedBuffer in;
  RowsBuffer in_view;
  std::unique_ptr<ExpertPass> pass;

  /// Rows of `source` through the experts to `out` [buffer rows, d_model].
  void arrange(const std::byte* source, int threads) const {
    permute(rows, source, in_view, threads);
  }
  void run(std::byte* out) const {
    pass->run({in_view.data, in_view.rows, in_view.blocks, in_view.dtype, 0}, out);
  }
};

GroupPass make_pass(ExpertGroup& group, const DispatchPlan& plan, const LayerShape& shape) {
  GroupPass pass;
  pass.rows = group.kernel->arrange(plan);
  const std::int64_t bytes =
      pass.rows.buffer_rows() * shape.d_model * bytes_per_element(shape.dtype);
  pass.in.reserve(std::max<std::int64_t>(1, bytes));
  pass.in.poison();
  pass.in_view = {pass.in.data(), pass.rows.buffer_rows(), group.kernel->input_blocks(),
                  shape.dtype, 0};
  pass.pass = group.kernel->prepare(pass.rows);
  return pass;
}

/// into[i] = from[order[i]], rows of `row_bytes`.
void gather_rows(std::span<const std::int32_t> order, const std::byte* from, std::int64_t row_bytes,
                 std::byte* into, int threads) {
  parallel_ranges(threads, std::ssize(order), [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i)
      std::memcpy(into + i * row_bytes, from + order[at(i)] * row_bytes, at(row_bytes));
  });
}

/// Adds what shared experts compute to how a token's rows are summed: after its routed slots, from
/// rows behind the returned ones.
ExpertRows combine_rows(const ExchangeLayout& layout, int slots, const GroupPass* shared,
                        int num_shared) {
  ExpertRows rows;
  rows.tokens = std::ssize(layout.own_tokens);
  rows.slots = slots + num_shared;
  for (std::int64_t token = 0; token < rows.tokens; ++token) {
    for (int slot = 0; slot < slots; ++slot) {
      rows.row_of_slot.push_back(layout.row_of_slot[at(token * slots + slot)]);
      rows.weight_of_slot.push_back(layout.weight_of_slot[at(token * slots + slot)]);
    }
    for (int s = 0; s < num_shared; ++s) {
      const auto row = shared->rows.row_of_slot[at(token * num_shared + s)];
      rows.row_of_slot.push_back(static_cast<std::int32_t>(layout.rows_sent()) + row);
      rows.weight_of_slot.push_back(1.0F);
    }
  }
  return rows;
}

struct Part {
  ExchangeLayout layout;
  RowExchange out;   ///< the dispatch
  RowExchange back;  ///< the return
  GroupPass routed;
  GroupPass shared;
  ExpertRows sum;
  AlignedBuffer own;       ///< [own tokens, d_model] activations
  AlignedBuffer sent;      ///< [sent rows, d_model]
  AlignedBuffer received;  ///< [received rows, d_model]
  AlignedBuffer computed;  ///< [buffer rows, d_model]
  AlignedBuffer answers;   ///< [received rows, d_model]
  AlignedBuffer returned;  ///< [sent rows + shared rows, d_model]
  std::vector<float> output;
};

}  // namespace

struct RankLayer::State {
  LayerShape shape;
  std::uint64_t seed;
  Communicator& ranks;
  int threads;
  std::int64_t row_bytes;
  ExpertGroup routed;
  ExpertGroup shared;
  SteadyClock clock = {};
  std::vector<std::unique_ptr<Part>> parts = {};

  [[nodiscard]] Part& part(int handle) const { return *parts.at(static_cast<std::size_t>(handle)); }
  void make_buffers(Part& part, std::int64_t tokens) const;
};

RankLayer::RankLayer(const LayerShape& shape, std::string_view kernel,
                     std::span<const std::int32_t> slot_expert,
                     std::span<const std::int32_t> slot_rank, std::uint64_t seed,
                     Communicator& ranks, int threads) {
  std::vector<int> routed;
  for (std::size_t p = 0; p < slot_expert.size(); ++p) {
    if (slot_rank[p] == ranks.rank()) routed.push_back(slot_expert[p]);
  }
  std::vector<int> shared;
  for (int s = 0; s < shape.num_shared_experts; ++s) shared.push_back(shape.num_experts + s);
  state_ = std::make_unique<State>(
      State{shape, seed, ranks, threads, shape.d_model * bytes_per_element(shape.dtype),
            make_group(shape, kernel, std::move(routed), seed, threads),
            make_group(shape, kernel, std::move(shared), seed, threads)});
}

RankLayer::~RankLayer() = default;

void RankLayer::State::make_buffers(Part& part, std::int64_t tokens) const {
  const auto reserve = [&](AlignedBuffer& buffer, std::int64_t rows) {
    buffer.reserve(std::max<std::int64_t>(1, rows * row_bytes));
    buffer.poison();
  };
  const auto own = std::ssize(part.layout.own_tokens);
  const std::int64_t received = part.layout.arrival.tokens;
  reserve(part.sent, part.layout.rows_sent());
  reserve(part.received, received);
  reserve(part.answers, received);
  reserve(part.returned, part.layout.rows_sent() + part.shared.rows.buffer_rows());
  reserve(part.computed, part.routed.rows.buffer_rows());
  part.output.assign(at(own * shape.d_model), 0.0F);
  AlignedBuffer all;
  all.reserve(std::max<std::int64_t>(1, tokens * row_bytes));
  draw_activations(shape, seed, tokens, threads, all.data());
  reserve(part.own, own);
  gather_rows(part.layout.own_tokens, all.data(), row_bytes, part.own.data(), threads);
}

int RankLayer::load(const DispatchPlan& plan, std::span<const std::int32_t> source_rank) {
  State& s = *state_;
  auto part = std::make_unique<Part>();
  part->layout =
      lay_out_exchange(plan, s.ranks.rank(), source_rank, 1.0F / static_cast<float>(s.shape.top_k));
  part->out = {s.row_bytes, part->layout.send_rows, part->layout.receive_rows};
  part->back = {s.row_bytes, part->out.receive, part->out.send};
  if (s.routed.kernel) part->routed = make_pass(s.routed, part->layout.arrival, s.shape);
  const int num_shared = s.shape.num_shared_experts;
  if (num_shared > 0) {
    part->shared =
        make_pass(s.shared, dense_plan(std::ssize(part->layout.own_tokens), num_shared), s.shape);
  }
  part->sum = combine_rows(part->layout, plan.slots, &part->shared, num_shared);
  s.make_buffers(*part, plan.tokens);
  s.parts.push_back(std::move(part));
  return static_cast<int>(s.parts.size()) - 1;
}

RankPhases RankLayer::run(int handle) {
  State& s = *state_;
  Part& part = s.part(handle);
  RankPhases phases;
  s.ranks.barrier();
  double last = s.clock.now_s();
  const auto timed = [&](RangeName stage, double& seconds, const auto& work) {
    const AnnotatedRange range(stage);
    work();
    const double now = s.clock.now_s();
    seconds = now - last;
    last = now;
  };
  timed(RangeName::kPermute, phases.pack_s, [&] {
    gather_rows(part.layout.send_token, part.own.data(), s.row_bytes, part.sent.data(), s.threads);
  });
  timed(RangeName::kAllToAll, phases.dispatch_s,
        [&] { s.ranks.all_to_all(part.sent.data(), part.received.data(), part.out); });
  timed(RangeName::kPermute, phases.arrange_s, [&] {
    if (s.routed.kernel) part.routed.arrange(part.received.data(), s.threads);
    if (s.shared.kernel) part.shared.arrange(part.own.data(), s.threads);
  });
  timed(RangeName::kExpert, phases.ffn_s, [&] {
    if (s.routed.kernel) part.routed.run(part.computed.data());
    if (s.shared.kernel)
      part.shared.run(part.returned.data() + part.layout.rows_sent() * s.row_bytes);
  });
  timed(RangeName::kPermute, phases.gather_s, [&] {
    gather_rows(part.routed.rows.row_of_slot, part.computed.data(), s.row_bytes,
                part.answers.data(), s.threads);
  });
  timed(RangeName::kAllToAll, phases.wait_s, [&] { s.ranks.barrier(); });
  timed(RangeName::kAllToAll, phases.return_s,
        [&] { s.ranks.all_to_all(part.answers.data(), part.returned.data(), part.back); });
  timed(RangeName::kCombine, phases.combine_s, [&] {
    combine(part.sum, part.returned.data(), s.shape.dtype, s.shape.d_model, part.output.data(),
            s.threads);
  });
  return phases;
}

const std::vector<float>& RankLayer::output(int handle) const {
  return state_->part(handle).output;
}

const ExchangeLayout& RankLayer::layout(int handle) const { return state_->part(handle).layout; }

const RowExchange& RankLayer::dispatched(int handle) const { return state_->part(handle).out; }

double RankLayer::verify(int handle, int& bad_expert) const {
  const State& s = *state_;
  const Part& part = s.part(handle);
  bad_expert = -1;
  double worst = 0;
  for (std::size_t i = 0; i < s.routed.ids.size(); ++i) {
    const int id = s.routed.ids[i];
    const auto rows = checked_rows(part.routed.rows.experts[i], false, s.seed, id);
    const double error = check_expert(
        s.shape, s.seed, id,
        {&part.routed.rows, part.received.data(), part.computed.data(), nullptr}, rows, s.threads);
    if (error <= worst) continue;
    worst = error;
    bad_expert = id;
  }
  return worst;
}

std::int64_t RankLayer::computed_rows(int handle) const {
  const Part& part = state_->part(handle);
  return part.routed.rows.computed_rows() + part.shared.rows.computed_rows();
}

}  // namespace hotexpert
