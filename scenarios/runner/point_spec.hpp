#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scenarios/runner/scenario.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/layer_pass.hpp"
#include "sim/core/layer_shape.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// How a recorded file is read; all default for synthetic traces.
struct RecordingSpec {
  std::string format;   ///< importer; empty = by content
  std::string axes;     ///< "layer,token,slot"; empty = token,layer,slot
  std::string weights;  ///< file, "none", or empty = in the trace or its neighbour
  std::optional<std::int64_t> absent_id;
  std::string on_bad = "strict";

  friend bool operator==(const RecordingSpec&, const RecordingSpec&) = default;
};

/// Which routing a point replays. Equal specs give equal tokens.
struct TraceSpec {
  std::uint64_t seed = 1;
  std::string file;  ///< recorded trace; empty = synthetic
  RecordingSpec recording;
  std::string order;   ///< "recorded" or "shuffled"
  std::string model;   ///< skew model with parameters
  std::string target;  ///< load metric to reach, or empty
  std::int64_t step_tokens = 0;
  std::int64_t step_count = 0;  ///< 0 = all
  int synthetic_layers = 1;
  int groups = 0;  ///< of group-limited top-k; 0 = none
  int topk_groups = 0;
  int only_layer = -1;         ///< -1 = all
  int num_experts = 0;         ///< 0 = whatever the file says
  int top_k = 0;               ///< likewise
  bool needs_weights = false;  ///< something reads gate weights; else none are drawn or opened

  friend bool operator==(const TraceSpec&, const TraceSpec&) = default;
};

/// How the chosen batch is timed.
struct MeasureSpec {
  std::string batch;  ///< "median", "hottest" or an index
  int min_samples = 10;
  double budget_s = 2;
  double precision = 0.01;
  std::string control;  ///< "balanced", "uniform", "both", "none"
};

/// How experts are spread over ranks.
struct ParallelSpec {
  std::string exec;     ///< "virtual" or "mpi"
  std::string network;  ///< preset or file
  std::string method;   ///< placement method with parameters
  std::string speeds;   ///< as written; "none"
  int ranks = 1;
  int nodes = 0;  ///< 0 = as few as the network allows
  int slots = 0;  ///< 0 = one an expert
  int groups = 1;
  std::int64_t window = -1;  ///< steps planned on; -1 = half with several ranks, else none
};

/// One point with types: what AxisChoice says in text.
struct PointSpec {
  AxisChoice choice;
  LayerShape shape;
  LayerPass pass = LayerPass::kForward;
  TraceSpec trace;
  CapacityPolicy capacity;
  ParallelSpec parallel;
  std::string backend;
  std::string device;  ///< device file or name for backend "model"; empty for the others
  std::string kernel;
  int threads = 0;  ///< 0 = all
  MeasureSpec measure;
};

/// @throws UsageError when a value makes no sense, alone or with another.
PointSpec make_point_spec(const AxisChoice& choice);

/// The point as results hold it: every axis of a sweep with its resolved value (preset and trace
/// filled in).
Point to_point(const PointSpec& spec);

}  // namespace hotexpert
