#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"

namespace hotexpert {
namespace {

using namespace formats;  // NOLINT: the rows below name its functions

constexpr std::array kImporters = {
    ImporterRow{"npy", "NumPy array of expert ids (or counts), axes declared", sniff_npy, read_npy},
    ImporterRow{"npz", "NumPy archive with topk_ids and, optionally, topk_weights", sniff_npz,
                read_npz},
    ImporterRow{"safetensors", "tensors topk_ids and topk_weights, or load", sniff_safetensors,
                read_safetensors},
    ImporterRow{"tensorrt-llm", "folder of expert statistics: meta_info.json and rank*.safetensors",
                sniff_tensorrt_llm, read_tensorrt_llm},
    ImporterRow{"megatron", "router_trace_rank*.jsonl, or the folder that holds them",
                sniff_megatron, read_megatron},
    ImporterRow{"vllm", "HTTP response with routed_experts, arrays as base64 or lists", sniff_vllm,
                read_vllm},
    ImporterRow{"eplb", "JSON with logical_count by [layer][expert] or [step][layer][expert]",
                sniff_logical_count, read_logical_count},
    ImporterRow{"dataset-counts", "JSON with counts_by_dataset by [layer][expert], each a step",
                sniff_dataset_counts, read_dataset_counts},
    ImporterRow{"selections", "JSON with selections by [token][layer][slot]", sniff_selections,
                read_selections},
    ImporterRow{"jsonl", "one JSON object a line with layer, topk_ids and topk_weights",
                sniff_jsonl, read_jsonl},
    ImporterRow{"csv", "lines of layer,expert with token and weight, or with step and load",
                sniff_csv, read_csv},
};

const ImporterRow& choose(const ImportSource& source, const ImportOptions& options) {
  if (!options.format.empty()) return find_row(kImporters, "trace format", options.format);
  for (const auto& row : kImporters) {
    if (row.sniff(source)) return row;
  }
  throw InputError(fmt::format("{}: no importer recognises it (known formats: {})", source.path(),
                               fmt::join(row_names(kImporters), ", ")));
}

int expert_count(const TraceArrays& arrays, const ImportOptions& options,
                 std::vector<std::string>& warnings) {
  if (options.num_experts > 0 && arrays.num_experts > 0 &&
      options.num_experts != arrays.num_experts) {
    throw InputError(fmt::format("{}: was recorded with {} experts, not {}", arrays.name,
                                 arrays.num_experts, options.num_experts));
  }
  if (options.num_experts > 0) return options.num_experts;
  if (arrays.num_experts > 0) return arrays.num_experts;
  const std::int64_t counted = std::max<std::int64_t>(largest_id_plus_one(arrays), arrays.slots());
  if (counted > kMaxExperts) {
    throw InputError(fmt::format("{}: expert ids reach {}; at most {} experts are known",
                                 arrays.name, counted - 1, kMaxExperts));
  }
  warnings.push_back(fmt::format(
      "The recording does not say how many experts there are: taken as {}, the largest id + 1.",
      counted));
  return static_cast<int>(counted);
}

std::int64_t& count_of(std::vector<ImportCheck>& checks, std::string_view name) {
  return std::find_if(checks.begin(), checks.end(),
                      [&](const ImportCheck& check) { return check.name == name; })
      ->count;
}

void finish_tokens(ImportedTrace& out, const ImportOptions& options) {
  TraceArrays& arrays = *out.recording.arrays;
  if (options.absent_id) arrays.absent_id = options.absent_id;
  check_arrays(arrays);
  out.num_experts = expert_count(arrays, options, out.recording.warnings);
  if (arrays.slots() > out.num_experts) {
    throw InputError(fmt::format("{}: {} slots a token, but only {} experts", arrays.name,
                                 arrays.slots(), out.num_experts));
  }
  arrays.num_experts = out.num_experts;
  auto checks = check_token_trace(arrays, out.num_experts);
  const auto routed = arrays.slots() > 1 ? layers_with_routing(arrays) : std::vector<int>{};
  out.layers_left_out = arrays.slots() > 1 ? arrays.layers() - static_cast<int>(routed.size()) : 0;
  if (out.layers_left_out > 0 && !routed.empty()) {
    keep_layers(arrays, routed);
    const auto dense = count_of(checks, "dense_layers");
    checks = check_token_trace(arrays, out.num_experts);
    count_of(checks, "dense_layers") = dense;
  }
  const auto bad = apply_on_bad(arrays, out.num_experts, checks, options.on_bad);
  arrays.every_token_is_sound = bad == 0 || options.on_bad == OnBad::kDrop;
  arrays.every_slot_is_sound = arrays.every_token_is_sound && count_of(checks, "absent_slots") == 0;
  out.tokens_left_out = options.on_bad == OnBad::kDrop ? bad : 0;
  const auto kept = bad - out.tokens_left_out;
  arrays.keeps_bad_tokens = kept > 0;
  if (options.weights_file == "none") arrays.weights.reset();  // checked, but not wanted
  checks.push_back({"dropped_tokens", Severity::kWarning, out.tokens_left_out, "tokens",
                    fmt::format("{} tokens with such ids were left out, as --on-bad drop asked.",
                                out.tokens_left_out)});
  checks.push_back({"kept_bad_tokens", Severity::kWarning, kept, "tokens",
                    fmt::format("{} tokens with such ids were kept, as --on-bad keep asked: their "
                                "slots count as invalid.",
                                kept)});
  out.checks.insert(out.checks.end(), checks.begin(), checks.end());
  check_arrays(arrays);
}

void finish_loads(ImportedTrace& out, const ImportOptions& options) {
  const LoadMatrix& loads = *out.recording.loads;
  out.num_experts = loads.experts;
  if (options.num_experts > 0 && options.num_experts != loads.experts) {
    throw InputError(
        fmt::format("the recording has {} experts, not {}", loads.experts, options.num_experts));
  }
  const int recorded_top_k = out.recording.top_k;
  if (options.top_k > 0 && recorded_top_k > 0 && options.top_k != recorded_top_k) {
    throw InputError(
        fmt::format("the recording has top_k = {}, not {}", recorded_top_k, options.top_k));
  }
  const int top_k = options.top_k > 0 ? options.top_k : recorded_top_k;
  const auto checks = check_load_trace(loads, top_k, options.tokens_per_step);
  out.checks.insert(out.checks.end(), checks.begin(), checks.end());
}

}  // namespace

std::span<const ImporterRow> importers() { return kImporters; }

std::string_view ImportSource::text() const {
  const auto all = bytes();
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

std::string_view ImportSource::beginning() const { return text().substr(0, 4096); }

ImportedTrace import_trace(const std::vector<std::string>& paths, const ImportOptions& options) {
  if (paths.empty()) throw UsageError("trace import: name at least one file");
  ImportSource source{paths, nullptr};
  if (!std::filesystem::is_directory(paths.front())) source.file = MappedFile::open(paths.front());
  ImportedTrace out;
  const auto& row = choose(source, options);
  out.importer = row.name;
  out.recording =
      formats::located(source.path(), source.path(), [&] { return row.read(source, options); });
  out.checks = std::move(out.recording.checks);
  if (out.recording.arrays) {
    finish_tokens(out, options);
  } else {
    finish_loads(out, options);
  }
  return out;
}

}  // namespace hotexpert
