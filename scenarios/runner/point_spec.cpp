#include "scenarios/runner/point_spec.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/plugin/expert_plugin.hpp"
#include "scenarios/runner/axis_values.hpp"
#include "scenarios/runner/device_file.hpp"
#include "scenarios/runner/presets.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/placement/placement_method.hpp"

namespace hotexpert {
namespace {

/// The number chosen for an axis, or `instead` where the choice is a word ("preset", "all",
/// "batch").
std::int64_t number_or(const AxisChoice& choice, std::string_view axis, std::int64_t instead) {
  const std::string& text = choice.at(axis);
  return text.find_first_not_of("0123456789") == std::string::npos ? parse_integer(text, axis)
                                                                   : instead;
}

std::string text_or_empty(const AxisChoice& choice, std::string_view axis) {
  const std::string& text = choice.at(axis);
  return text == "none" ? "" : text;
}

std::int64_t scaled_width(const AxisChoice& choice, std::string_view axis, std::int64_t preset,
                          int scale) {
  const std::int64_t width = number_or(choice, axis, preset);
  return std::max<std::int64_t>(1, width / scale);
}

LayerShape make_shape(const AxisChoice& choice) {
  const auto& preset = find_row(presets(), "layer preset", choice.at("layer.preset"));
  LayerShape shape;
  shape.scale = static_cast<int>(number_or(choice, "layer.scale", 1));
  shape.num_experts = static_cast<int>(std::min<std::int64_t>(
      number_or(choice, "layer.experts", preset.num_experts), std::int64_t{1} << 30));
  shape.top_k = static_cast<int>(std::min<std::int64_t>(
      number_or(choice, "layer.top_k", preset.top_k), std::int64_t{1} << 30));
  shape.num_shared_experts =
      static_cast<int>(number_or(choice, "layer.shared_experts", preset.num_shared_experts));
  shape.d_model = scaled_width(choice, "layer.d_model", preset.d_model, shape.scale);
  shape.d_ff = scaled_width(choice, "layer.d_ff", preset.d_ff, shape.scale);
  shape.activation = parse_activation(choice.at("layer.activation"));
  shape.dtype = parse_dtype(choice.at("layer.dtype"));
  validate(shape);
  return shape;
}

RecordingSpec make_recording(const AxisChoice& choice) {
  const auto text = [&](std::string_view axis) {
    return choice.at(axis) == "auto" ? std::string() : choice.at(axis);
  };
  RecordingSpec recording;
  recording.format = text("trace.format");
  recording.axes = text("trace.axes");
  std::replace(recording.axes.begin(), recording.axes.end(), '-', ',');
  recording.weights = text("trace.weights");
  if (choice.at("trace.absent") != "none")
    recording.absent_id = parse_integer(choice.at("trace.absent"), "trace.absent");
  recording.on_bad = choice.at("trace.on_bad");
  return recording;
}

TraceSpec make_trace(const AxisChoice& choice, const LayerShape& shape) {
  TraceSpec trace;
  trace.seed = static_cast<std::uint64_t>(number_or(choice, "seed", 1));
  trace.file = text_or_empty(choice, "trace.file");
  trace.step_tokens = number_or(choice, "step.tokens", 0);
  trace.step_count = number_or(choice, "step.count", 0);
  trace.only_layer = static_cast<int>(number_or(choice, "trace.layer", -1));
  trace.model = choice.at("skew.model");
  const bool has_experts =
      choice.at("layer.preset") != "none" || choice.at("layer.experts") != "preset";
  if (!trace.file.empty()) {
    // What only shapes synthetic tokens is left at its default, so that the trace is opened once.
    trace.order = choice.at("trace.order");
    trace.model = "recorded";
    trace.num_experts = has_experts ? shape.num_experts : 0;
    trace.top_k = choice.at("layer.top_k") != "preset" ? shape.top_k : 0;
    trace.recording = make_recording(choice);
    return trace;
  }
  if (trace.model == "recorded") {
    throw UsageError(
        "skew.model 'recorded' needs a recorded trace: pass --trace.file FILE (hotexpert list "
        "importers); scenarios/record/ records one from a Hugging Face model");
  }
  trace.order = "recorded";
  trace.target = text_or_empty(choice, "skew.target");
  trace.synthetic_layers = static_cast<int>(number_or(choice, "skew.layers", 1));
  const auto small = [&](std::string_view axis) {
    return static_cast<int>(std::min<std::int64_t>(number_or(choice, axis, 0), 1 << 30));
  };
  trace.groups = small("router.groups");
  trace.topk_groups = small("router.topk_groups");
  trace.num_experts = shape.num_experts;
  trace.top_k = shape.top_k;
  if (trace.step_count == 0) trace.step_count = 8;
  return trace;
}

CapacityPolicy make_capacity(const AxisChoice& choice, std::uint64_t seed) {
  CapacityPolicy capacity;
  const std::string factor = text_or_empty(choice, "capacity.factor");
  if (!factor.empty()) capacity.factor = Decimal::parse(factor);
  capacity.rule = choice.at("capacity.rule");
  capacity.drop_policy = choice.at("capacity.policy");
  capacity.group = number_or(choice, "capacity.group", 0);
  capacity.seed = seed;
  return capacity;
}

int small_number(const AxisChoice& choice, std::string_view axis, std::int64_t instead) {
  return static_cast<int>(
      std::min<std::int64_t>(number_or(choice, axis, instead), std::int64_t{1} << 30));
}

ParallelSpec make_parallel(const AxisChoice& choice) {
  ParallelSpec parallel;
  parallel.exec = choice.at("ep.exec");
  parallel.network = choice.at("ep.network");
  parallel.method = choice.at("placement.method");
  parallel.speeds = choice.at("ep.speeds");
  parallel.ranks = small_number(choice, "ep.ranks", 1);
  parallel.nodes = small_number(choice, "ep.nodes", 0);
  parallel.slots = small_number(choice, "placement.slots", 0);
  parallel.groups = small_number(choice, "placement.groups", 1);
  parallel.window = number_or(choice, "placement.window", -1);
  (void)PlacementMethod::parse(parallel.method);
  (void)read_network(parallel.network);
  return parallel;
}

/// The device that backend `model` prices. Other backends run where they are.
std::string make_device(const AxisChoice& choice) {
  if (choice.at("backend") != "model") return "";
  if (choice.at("device") == "none") {
    throw UsageError(
        "backend 'model' needs a device to price: pass --device NAME (h100-sxm, h200, a100, cpu) "
        "or "
        "--device FILE.toml");
  }
  return choice.at("device");
}

MeasureSpec make_measure(const AxisChoice& choice) {
  MeasureSpec measure;
  measure.batch = choice.at("measure.batch");
  if (measure.batch != "median" && measure.batch != "hottest") {
    const bool digits = measure.batch.find_first_not_of("0123456789") == std::string::npos;
    if (!digits) {
      throw UsageError(fmt::format("measure.batch: '{}' is neither median nor hottest nor an index",
                                   measure.batch));
    }
  }
  measure.min_samples =
      static_cast<int>(std::min<std::int64_t>(number_or(choice, "measure.samples", 10), 100000));
  measure.budget_s = Decimal::parse(choice.at("measure.budget_s")).to_double();
  measure.precision = Decimal::parse(choice.at("measure.precision")).to_double();
  measure.control = choice.at("measure.control");
  return measure;
}

}  // namespace

PointSpec make_point_spec(const AxisChoice& choice) {
  PointSpec spec;
  spec.choice = choice;
  spec.shape = make_shape(choice);
  spec.pass = parse_layer_pass(choice.at("layer.pass"));
  spec.trace = make_trace(choice, spec.shape);
  spec.capacity = make_capacity(choice, spec.trace.seed);
  spec.parallel = make_parallel(choice);
  spec.backend = choice.at("backend");
  spec.device = make_device(choice);
  spec.kernel = choice.at("kernel");
  spec.threads = static_cast<int>(std::min<std::int64_t>(number_or(choice, "threads", 0), 4096));
  spec.measure = make_measure(choice);
  spec.trace.needs_weights =
      choice_name(spec.capacity.drop_policy) != "position" || spec.backend != "none" ||
      !spec.trace.file.empty();  // recorded weights tell the gate mass that drops
  return spec;
}

Point to_point(const PointSpec& spec) {
  AxisChoice choice = spec.choice;
  choice["layer.experts"] = fmt::format("{}", spec.shape.num_experts);
  choice["layer.top_k"] = fmt::format("{}", spec.shape.top_k);
  choice["layer.shared_experts"] = fmt::format("{}", spec.shape.num_shared_experts);
  choice["layer.d_model"] = fmt::format("{}", spec.shape.d_model);
  choice["layer.d_ff"] = fmt::format("{}", spec.shape.d_ff);
  choice["skew.model"] = spec.trace.model;
  choice["kernel"] = kernel_label(spec.kernel);
  choice["backend"] = spec.backend;
  choice["device"] = spec.device.empty() ? "none" : spec.device;
  Point point;
  for (const auto& axis : axes()) {
    const auto found = choice.find(axis.name);
    if (found != choice.end()) point.emplace_back(axis.name, axis_value_json(axis, found->second));
  }
  return point;
}

}  // namespace hotexpert
