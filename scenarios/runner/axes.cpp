#include "scenarios/runner/axes.hpp"

#include <array>

#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

using enum AxisKind;
using enum AxisScope;

constexpr std::array kAxes = {
    AxisRow{"seed", kSeed, kInteger, "1", "", "seed", "seed of every random draw"},
    AxisRow{"layer.preset", kLayer, kText, "none", "", "layer preset",
            "layer shape by model name (hotexpert list presets); layer.* keys override it"},
    AxisRow{"layer.experts", kLayer, kInteger, "preset", "count", "experts", "experts E", 1,
            "preset"},
    AxisRow{"layer.top_k", kLayer, kInteger, "preset", "count", "top-k", "experts a token, k", 1,
            "preset"},
    AxisRow{"layer.shared_experts", kLayer, kInteger, "preset", "count", "shared experts",
            "experts every token passes, outside the routing", 0, "preset"},
    AxisRow{"layer.d_model", kLayer, kInteger, "preset", "", "d_model", "width of a token", 1,
            "preset"},
    AxisRow{"layer.d_ff", kLayer, kInteger, "preset", "", "d_ff", "inner width of an expert", 1,
            "preset"},
    AxisRow{"layer.scale", kLayer, kInteger, "1", "", "scale",
            "divides d_model and d_ff, to fit a CPU", 1},
    AxisRow{"layer.activation", kLayer, kWord, "swiglu", "", "activation", "expert activation", 0,
            "swiglu|gelu|relu"},
    AxisRow{"layer.dtype", kLayer, kWord, "fp32", "", "data type",
            "data type of weights and tokens", 0, "fp32|bf16"},
    AxisRow{"layer.pass", kLayer, kWord, "forward", "", "pass", "which pass is timed", 0,
            "forward"},
    AxisRow{"step.tokens", kTrace, kInteger, "4096", "tokens", "tokens a step",
            "tokens of all ranks in one step", 1},
    AxisRow{"step.count", kTrace, kInteger, "all", "count", "steps",
            "steps to take from the trace (all: every whole step of a file, 8 synthetic ones)", 1,
            "all"},
    AxisRow{"skew.model", kTrace, kText, "uniform", "", "skew model",
            "how popular experts are, parameters inline: zipf:exponent=1.2 (hotexpert list "
            "skew-models)"},
    AxisRow{"skew.target", kTrace, kText, "none", "", "skew target",
            "bisect the skew model to a wanted load metric: max_over_mean=4"},
    AxisRow{"skew.layers", kTrace, kInteger, "1", "count", "synthetic layers",
            "MoE layers of a synthetic trace", 1},
    AxisRow{"trace.file", kTrace, kText, "none", "", "trace",
            "recorded routing (.npy, .safetensors) instead of a skew model"},
    AxisRow{"trace.order", kTrace, kWord, "recorded", "", "trace order",
            "order of the recorded tokens", 0, "recorded|shuffled"},
    AxisRow{"trace.layer", kTrace, kInteger, "all", "", "trace layer", "layer of the trace to use",
            0, "all"},
    AxisRow{"capacity.factor", kCapacity, kDecimal, "none", "", "capacity factor",
            "rows an expert may keep, over the mean load; none = dropless", 0, "none"},
    AxisRow{"capacity.rule", kCapacity, kText, "megatron", "", "capacity rule",
            "whose definition of the capacity factor (hotexpert list capacity-rules)"},
    AxisRow{"capacity.policy", kCapacity, kText, "position", "", "drop policy",
            "which assignments are dropped (hotexpert list drop-policies)"},
    AxisRow{"capacity.group", kCapacity, kInteger, "batch", "tokens", "capacity group",
            "tokens that share one capacity", 1, "batch"},
    AxisRow{"backend", kRun, kText, "auto", "", "backend",
            "what runs the layer: auto (a CUDA device if there is one, else cpu), cpu, cuda, or "
            "none = counted metrics only"},
    AxisRow{"threads", kRun, kInteger, "all", "count", "threads", "CPU threads of the layer", 1,
            "all"},
    AxisRow{"measure.batch", kRun, kText, "median", "", "measured batch",
            "which (step, layer) is timed: median or hottest by max/mean load, or its index"},
    AxisRow{"measure.samples", kRun, kInteger, "10", "count", "least samples",
            "fewest samples of each arm", 6},
    AxisRow{"measure.budget_s", kRun, kDecimal, "2", "s", "time budget",
            "seconds after which a point stops sampling, least samples taken"},
    AxisRow{"measure.precision", kRun, kDecimal, "0.01", "", "wanted precision",
            "stop early once the median's relative half interval is below this"},
    AxisRow{
        "measure.control", kRun, kWord, "balanced", "", "control arm",
        "controls timed beside each point: the same tokens balanced to +-1, and drawn uniformly", 0,
        "balanced|uniform|both|none"},
    AxisRow{"kernel", kRun, kText, "grouped", "", "kernel",
            "expert kernel (hotexpert list kernels)"},
    AxisRow{"train.task", kTraining, kText, "clusters", "", "task",
            "what the router lab learns, parameters inline: clusters:groups=32, or text with "
            "train.corpus (hotexpert list training-tasks)"},
    AxisRow{"train.corpus", kTraining, kText, "none", "", "corpus",
            "text file that the task text predicts, byte by byte"},
    AxisRow{"train.data_skew", kTraining, kDecimal, "task", "", "data skew",
            "Zipf exponent of the clusters' popularity (task: as train.task says)", 0, "task"},
    AxisRow{"train.data_noise", kTraining, kDecimal, "task", "", "data noise",
            "spread inside a cluster over the spread of the centres", 0, "task"},
    AxisRow{"train.experts", kTraining, kInteger, "16", "count", "experts of the lab",
            "experts E that are trained", 1},
    AxisRow{"train.top_k", kTraining, kInteger, "2", "count", "top-k of the lab",
            "experts a token, k", 1},
    AxisRow{"train.d_model", kTraining, kInteger, "64", "", "d_model of the lab",
            "width of a token", 1},
    AxisRow{"train.d_ff", kTraining, kInteger, "128", "", "d_ff of the lab",
            "inner width of an expert", 1},
    AxisRow{"train.activation", kTraining, kWord, "swiglu", "", "activation of the lab",
            "expert activation", 0, "swiglu|relu"},
    AxisRow{"train.score", kTraining, kWord, "softmax", "", "router score",
            "scores from router logits", 0, "softmax|sigmoid"},
    AxisRow{"train.renormalize", kTraining, kWord, "yes", "", "renormalised gates",
            "gates of a token's experts sum to one", 0, "yes|no"},
    AxisRow{"train.router_init_std", kTraining, kDecimal, "0.02", "", "router initialisation",
            "standard deviation of the router's first weights"},
    AxisRow{"train.capacity_factor", kTraining, kDecimal, "none", "", "training capacity",
            "capacity factor while training, Megatron's rule a micro-batch; none = dropless", 0,
            "none"},
    AxisRow{"train.tokens", kTraining, kInteger, "1024", "tokens", "tokens a training step",
            "tokens of one optimiser step", 1},
    AxisRow{"train.micro_batches", kTraining, kInteger, "4", "count", "micro-batches",
            "parts of a step over which losses and capacity are counted", 1},
    AxisRow{"train.sequence_tokens", kTraining, kInteger, "64", "tokens", "sequence length",
            "tokens of one sequence; divides a micro-batch", 1},
    AxisRow{"train.steps", kTraining, kInteger, "1000", "count", "training steps",
            "optimiser steps", 1},
    AxisRow{"train.optimizer", kTraining, kWord, "adamw", "", "optimizer",
            "how weights follow gradients", 0, "adamw|sgd"},
    AxisRow{"train.learning_rate", kTraining, kDecimal, "0.005", "", "learning rate",
            "step size of the optimiser, constant"},
    AxisRow{"train.method", kTraining, kText, "none", "", "balancing method",
            "methods, joined by '+', parameters inline: bias+sequence:weight=1e-4 (hotexpert list "
            "balancing-methods)"},
    AxisRow{"train.weight", kTraining, kDecimal, "default", "", "balancing weight",
            "coefficient of the first method: alpha of a loss, u of bias; one point where a method "
            "has none",
            0, "default"},
};

}  // namespace

std::span<const AxisRow> axes() { return kAxes; }

const AxisRow& find_axis(std::string_view name) { return find_row(axes(), "axis", name); }

}  // namespace hotexpert
