#include "sim/core/metric_catalogue.hpp"

#include <array>

namespace hotexpert {
namespace {

using enum Better;

// A result may hold several variants of one metric, told apart by what follows '@':
// drop.assignment_fraction@1.25, layer.total_s@padded.
// c_i = assignments to expert i in one step and layer, mu = their mean, T = tokens, k = slots, E =
// experts, R = ranks.
constexpr std::array kMetrics = {
    MetricRow{"load.mean", "count", kNeither, "mean load",
              "mu = T k / E of the tokens that share a capacity."},
    MetricRow{"load.max_over_mean", "ratio", kLower, "max/mean load", "max c_i / mu over experts."},
    MetricRow{
        "load.max_vio_batch", "ratio", kLower, "MaxVio (batch)",
        "(max c_i - mu) / mu of one step, averaged over steps and layers (arXiv 2408.15664)."},
    MetricRow{"load.max_vio_global", "ratio", kLower, "MaxVio (global)",
              "(max c_i - mu) / mu of the loads summed over all steps, averaged over layers (arXiv "
              "2408.15664)."},
    MetricRow{"load.cv", "ratio", kLower, "load CV",
              "Standard deviation of c_i over experts (population) / mu."},
    MetricRow{"load.gini", "ratio", kLower, "load Gini",
              "sum_ij |c_i - c_j| / (2 E^2 mu): 0 is equal, 1 - 1/E is all on one expert."},
    MetricRow{"load.entropy", "nat", kHigher, "load entropy",
              "-sum p_i ln p_i with p_i = c_i / sum c."},
    MetricRow{"load.active_experts", "count", kNeither, "active experts",
              "Experts with c_i > 0 in the step."},
    MetricRow{"load.effective_experts", "count", kHigher, "effective experts",
              "exp(load entropy)."},
    MetricRow{"load.dead_experts", "count", kLower, "dead experts",
              "Experts of a layer with no assignment in any step, averaged over layers."},
    MetricRow{"load.balancedness_sglang", "ratio", kHigher, "balancedness (SGLang)",
              "Mean over layers and steps of mean/max rank load; a layer without counts scores 1 "
              "(SGLang)."},
    MetricRow{"load.balancedness_vllm", "ratio", kHigher, "balancedness (vLLM)",
              "Sum over layers of mean rank load / sum over layers of max rank load (vLLM)."},
    MetricRow{"load.token_overlap", "count", kNeither, "token overlap",
              "Experts that consecutive tokens of a layer have in common, of k."},
    MetricRow{"rank.max_over_mean", "ratio", kLower, "max/mean rank load",
              "max rank load / mean rank load."},
    MetricRow{"rank.imbalance_trtllm", "ratio", kLower, "rank imbalance (TensorRT-LLM)",
              "(max - mean) / mean of rank loads, averaged over layers and steps (TensorRT-LLM)."},
    MetricRow{"rank.peak_bytes", "bytes", kLower, "peak bytes of the hottest rank",
              "Weights, activations and dispatch buffers of the rank that needs most."},
    MetricRow{"rank.peak_training_bytes", "bytes", kLower,
              "peak training bytes of the hottest rank",
              "rank.peak_bytes with gradients, optimizer state and kept activations."},
    MetricRow{"rank.straggler", "", kNeither, "straggler",
              "The rank with the largest median time: the one that the others wait for."},
    MetricRow{"capacity.rows", "count", kNeither, "capacity",
              "Rows that an expert (under the rule device a rank) may keep: the largest met."},
    MetricRow{"capacity.needed_factor", "ratio", kLower, "needed capacity factor",
              "Smallest factor of the rule that keeps drops within a share in a share of steps."},
    MetricRow{"drop.assignment_fraction", "fraction", kLower, "dropped assignments",
              "Dropped (token, slot) assignments / all assignments: sum max(0, c_i - C) / (k T)."},
    MetricRow{"drop.token_lost_fraction", "fraction", kLower, "tokens that lost every expert",
              "Tokens all of whose assignments were dropped / T."},
    MetricRow{"drop.gate_mass_fraction", "fraction", kLower, "gate mass dropped",
              "Gate weight of dropped assignments / all gate weight."},
    MetricRow{"drop.floor_fraction", "fraction", kNeither, "drops of a perfect router",
              "Expected drops of a uniform router at the same capacity: E [(L - C)+] / (k T / E), "
              "L ~ Bin(T, k/E)."},
    MetricRow{"drop.standard_error", "fraction", kNeither, "standard error of the drops",
              "Standard error over (step, layer) of drop.assignment_fraction."},
    MetricRow{"rows.padding_fraction", "fraction", kLower, "padded rows",
              "Rows the kernel computes that belong to no token / rows it computes."},
    MetricRow{"rows.computed", "count", kLower, "rows computed",
              "Rows the kernel computes, padding included."},
    MetricRow{"layer.total_s", "s", kLower, "layer time",
              "One pass of the layer, first phase to last."},
    MetricRow{"layer.route_s", "s", kLower, "routing time",
              "Router top-k and planning inside the layer."},
    MetricRow{"layer.permute_s", "s", kLower, "permute time",
              "Gathering token rows into expert order."},
    MetricRow{"layer.expert_ffn_s", "s", kLower, "expert time",
              "The expert kernels: both projections and the activation."},
    MetricRow{"layer.combine_s", "s", kLower, "combine time",
              "Weighted sum of expert rows back into token order."},
    MetricRow{"layer.all_to_all_s", "s", kLower, "all-to-all time",
              "Dispatch and combine between ranks."},
    MetricRow{"layer.dispatch_s", "s", kLower, "dispatch time",
              "All-to-all that brings token rows to their experts' ranks."},
    MetricRow{"layer.return_s", "s", kLower, "return time",
              "All-to-all that brings expert rows back."},
    MetricRow{"layer.step_s", "s", kLower, "step time",
              "layer.total_s of the slowest rank + layer.all_to_all_s from the network model."},
    MetricRow{"layer.balanced_step_s", "s", kLower, "step time, balanced control",
              "layer.balanced_total_s + the network model's time of the balanced control."},
    MetricRow{"layer.model_error", "fraction", kLower, "model's held-out error",
              "Median |predicted / measured - 1| of the cost model on data it was not fitted to; "
              "absent where it was never compared."},
    MetricRow{"layer.launch_s", "s", kLower, "launches",
              "Share of the slowest rank's time that starts kernels or parallel regions."},
    MetricRow{"layer.memory_s", "s", kLower, "weight bytes",
              "Share of the slowest rank's time that reads weights and rows of the experts."},
    MetricRow{"layer.math_s", "s", kLower, "math",
              "Share of the slowest rank's time that its matrix units work or wait for operands."},
    MetricRow{"layer.elementwise_s", "s", kLower, "element-wise",
              "Share of the slowest rank's time that permutes, activates and combines rows."},
    MetricRow{"layer.skew_price_s", "s", kNeither, "price of one percent of skew",
              "Seconds that one more percent of max/mean load costs, from the cost model's slope."},
    MetricRow{"layer.balanced_total_s", "s", kLower, "layer time, balanced control",
              "layer.total_s of the same tokens and policy with loads equal to +-1, interleaved "
              "with the skewed run."},
    MetricRow{"layer.uniform_total_s", "s", kLower, "layer time, uniform control",
              "layer.total_s of as many tokens drawn uniformly, interleaved with the skewed run."},
    MetricRow{"layer.imbalance_tax", "ratio", kLower, "imbalance tax",
              "layer.total_s / layer.balanced_total_s - 1, from interleaved pairs."},
    MetricRow{"layer.idle_fraction", "fraction", kLower, "idle fraction",
              "1 - mean / max busy time over ranks (or workers) while experts run."},
    MetricRow{
        "kernel.flops_per_s", "flop/s", kHigher, "useful rate",
        "Floating-point operations of token rows (padding not counted) / layer.expert_ffn_s."},
    MetricRow{"kernel.max_relative_error", "ratio", kLower, "largest expert error",
              "Largest per-expert ||output - reference|| / ||reference|| before timing."},
    MetricRow{"device.sm_clock_hz", "Hz", kHigher, "multiprocessor clock",
              "Median over all runs of the cycles a multiprocessor counted, over the time of the "
              "run."},
    MetricRow{"device.throttled_samples", "count", kLower, "throttled samples",
              "Runs whose clock was below 75 % of the device's highest."},
    MetricRow{"model.step_s", "s", kLower, "whole model's expert time",
              "Sum over MoE layers of the slowest rank's time, rows costing what they cost in the "
              "measured batch; network apart."},
    MetricRow{"model.imbalance_share", "fraction", kLower, "share lost to imbalance",
              "1 - sum over layers of mean rank time / sum over layers of the slowest rank's."},
    MetricRow{"profile.trace_overhead", "ratio", kLower, "overhead of the tile trace",
              "Traced / untraced layer time - 1, from passes next to each other."},
    MetricRow{"profile.span_s", "s", kLower, "span of the tiles",
              "First begin to last end of an expert tile, of the pass nearest to the median."},
    MetricRow{"profile.idle_fraction", "fraction", kLower, "idle workers",
              "1 - busy time / (workers x span of the tiles)."},
    MetricRow{"profile.padding_fraction", "fraction", kLower, "time in padded rows",
              "Share of the busy time for rows that belong to no token, by rows of each tile."},
    MetricRow{"ledger.measured_s", "s", kLower, "measured step",
              "Mean layer time of the passes in the ledger, traced."},
    MetricRow{"ledger.control_s", "s", kLower, "balanced control",
              "Mean layer time of their balanced controls, traced."},
    MetricRow{"ledger.expert_s", "s", kLower, "named experts",
              "Tiles of single experts that ran longer than others of their size, and waiting for "
              "them beyond a tile's time."},
    MetricRow{"ledger.worker_s", "s", kLower, "slow workers",
              "Workers that compute slower than the others, and waiting for them."},
    MetricRow{"ledger.token_rows_s", "s", kNeither, "token rows",
              "More or fewer rows of tokens computed than in the control (drops)."},
    MetricRow{"ledger.row_padding_s", "s", kLower, "row padding",
              "Rows that fill the last tile of each expert."},
    MetricRow{"ledger.capacity_padding_s", "s", kLower, "capacity padding",
              "Rows up to capacity, where no token is."},
    MetricRow{"ledger.weight_bytes_s", "s", kNeither, "active weights",
              "Reading the weights of more or fewer active experts, and of tiles with few rows."},
    MetricRow{"ledger.tail_wave_s", "s", kLower, "tail wave",
              "Workers that wait, up to one tile's time, for the last tiles."},
    MetricRow{"ledger.host_gaps_s", "s", kLower, "launch and host gaps",
              "Time in which nothing ran."},
    MetricRow{"ledger.movement_s", "s", kLower, "permute and combine",
              "Routing, permute and combine."},
    MetricRow{"ledger.all_to_all_s", "s", kLower, "all-to-all",
              "Dispatch and combine between ranks, waiting included."},
    MetricRow{"ledger.clock_s", "s", kNeither, "clock change",
              "Another processor clock than the control's."},
    MetricRow{"ledger.unexplained_s", "s", kNeither, "unexplained", "What no cause accounts for."},
    MetricRow{"counter.expert_s", "s", kLower, "counted expert time",
              "Duration of the expert kernels in an Nsight Compute report, summed."},
    MetricRow{"counter.dram_bytes", "bytes", kLower, "device memory traffic",
              "Bytes the expert kernels read and wrote in device memory, by its counters."},
    MetricRow{"counter.intensity", "ratio", kHigher, "flop per byte",
              "Floating-point operations of the planned token rows / counter.dram_bytes."},
    MetricRow{"counter.tensor_fraction", "fraction", kHigher, "tensor pipes busy",
              "Share of active cycles in which the tensor pipes worked, weighted by time."},
    MetricRow{"counter.sm_max_over_mean", "ratio", kLower, "busiest / mean multiprocessor",
              "Cycles active of the busiest multiprocessor / their mean, of the longest kernel."},
    MetricRow{"roof.flops_per_s", "flop/s", kNeither, "peak rate of the device",
              "Dense peak in the layer's data type, from the device file."},
    MetricRow{"roof.bytes_per_s", "bytes/s", kNeither, "peak bandwidth of the device",
              "Peak memory bandwidth, from the device file."},
    // The router lab. "At the end" is the last tenth of the steps.
    MetricRow{"train.task_loss", "loss", kLower, "task loss",
              "Mean task loss on held-out tokens, without balancing terms: nats a byte (text), "
              "fraction of target variance (clusters)."},
    MetricRow{"train.end_loss", "loss", kLower, "training loss",
              "Task loss of the training steps at the end, without balancing terms."},
    MetricRow{"train.max_vio", "ratio", kLower, "MaxVio in training",
              "load.max_vio_batch of the training steps, mean at the end."},
    MetricRow{"train.settle_step", "count", kLower, "settle step",
              "First step from which smoothed MaxVio stays within 20 % of its mean at the end."},
    MetricRow{"train.reach_step", "count", kLower, "reach step",
              "First step at which smoothed MaxVio is down to 20 % above its mean at the end, "
              "however it moves later."},
    MetricRow{"train.overshoot", "ratio", kLower, "overshoot",
              "How far smoothed MaxVio rises above its mean at the end after it first came within "
              "20 % of it, as a share of that mean."},
    MetricRow{"train.load_cycle", "ratio", kLower, "load cycle",
              "Root mean square of c_i / mu around its line of regression over the last fifth of "
              "the steps, mean over experts; includes sampling noise."},
    MetricRow{"train.bias_cycle", "ratio", kLower, "bias cycle",
              "The same of the biases of a selection rule, in units of the score: the size of the "
              "limit cycle."},
    MetricRow{"train.grad_norm_ratio", "ratio", kLower, "gradient norm ratio",
              "Largest / smallest gradient norm of an expert, each a root mean square at the end; "
              "experts without gradient are left out."},
    MetricRow{"train.starved_grad_norm", "norm", kNeither, "gradient norm, starved experts",
              "Mean gradient norm at the end of the least loaded quarter of the experts."},
    MetricRow{"train.overloaded_grad_norm", "norm", kNeither, "gradient norm, overloaded experts",
              "Mean gradient norm at the end of the most loaded quarter of the experts."},
    MetricRow{"train.starved_grad_cv", "ratio", kLower, "gradient variation, starved experts",
              "Deviation / mean over the last steps of a starved expert's gradient norm."},
    MetricRow{"train.overloaded_grad_cv", "ratio", kLower, "gradient variation, overloaded experts",
              "Deviation / mean over the last steps of an overloaded expert's gradient norm."},
    MetricRow{"train.starved_share", "fraction", kLower, "wasted capacity",
              "Share of expert parameters that computed less than 10 % of their equal share of "
              "assignments over the run."},
    MetricRow{"train.specialization_mi", "nat", kHigher, "specialisation",
              "Mutual information of expert and token class on held-out tokens."},
    MetricRow{"train.specialization_share", "fraction", kHigher, "share of the class explained",
              "train.specialization_mi / entropy of the token class."},
    MetricRow{"train.output_similarity", "ratio", kLower, "output similarity of experts",
              "Cosine of two experts' outputs for the same token, mean over pairs: 1 = all are "
              "one."},
    MetricRow{"train.balance_to_task_gradient", "ratio", kNeither, "balance-to-task gradient",
              "Norm of the balancing terms' gradient / norm of the task's at the router's weights, "
              "mean at the end."},
    MetricRow{"train.loss_hacked_share", "fraction", kLower, "loss hacking",
              "Share of the last steps in which a balancing term is more than 1 % below its value "
              "at perfect balance while MaxVio exceeds 0.25."},
    MetricRow{"train.router_entropy", "nat", kNeither, "router entropy",
              "Entropy of a token's normalised scores, mean over tokens, at the end."},
    MetricRow{"train.hottest_share", "fraction", kLower, "share of the hottest expert",
              "Assignments of the most loaded expert / all, mean at the end."},
    MetricRow{"train.hottest_gradient_share", "fraction", kLower,
              "gradient share of the hottest expert",
              "Its gradient norm / the sum over experts, mean at the end."},
    MetricRow{"train.drop_fraction", "fraction", kLower, "drops in training",
              "Assignments beyond train.capacity_factor / all, mean at the end."},
    MetricRow{"train.wall_s", "s", kLower, "layer time of the whole training",
              "Sum over training steps of the layer's forward time at that step's max/mean load, "
              "interpolated between loads of this run that were timed."},
    MetricRow{"place.lower_bound_ratio", "ratio", kLower, "load over lower bound",
              "max rank load / a proven lower bound for any placement with these slots that keeps "
              "groups on nodes where the method does."},
    MetricRow{"place.window_steps", "count", kNeither, "steps planned on",
              "First steps of the trace that placements saw; rank metrics are of the later ones."},
    MetricRow{"place.moved_bytes", "bytes", kLower, "moved bytes",
              "Expert weights moved to reach the placement."},
};

}  // namespace

std::span<const MetricRow> metric_catalogue() { return kMetrics; }

const MetricRow* find_metric(std::string_view name) {
  name = name.substr(0, name.find('@'));
  for (const auto& row : kMetrics) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace hotexpert
