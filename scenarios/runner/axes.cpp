#include "scenarios/runner/axes.hpp"

#include <array>

#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

using enum AxisKind;
using enum AxisScope;

constexpr std::array kAxes = {
    AxisRow{"seed", kTrace, kInteger, "1", "", "seed", "seed of every random draw"},
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
};

}  // namespace

std::span<const AxisRow> axes() { return kAxes; }

const AxisRow& find_axis(std::string_view name) { return find_row(axes(), "axis", name); }

}  // namespace hotexpert
