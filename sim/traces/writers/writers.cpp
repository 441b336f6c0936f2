#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "sim/base/errors.hpp"
#include "sim/traces/writers/formats.hpp"

namespace hotexpert {
namespace {

using namespace writers;  // NOLINT: the rows below name its functions

constexpr std::array kWriters = {
    WriterRow{"safetensors", ".safetensors", "everything, memory-mapped when it is read",
              write_safetensors, write_safetensors_loads},
    WriterRow{"npz", ".npz", "everything but text metadata, for numpy.load", write_npz,
              write_npz_loads},
    WriterRow{"npy", ".npy", "ids alone; weights beside them, topk_ids*.npy and topk_weights*.npy",
              write_npy, write_npy_loads},
    WriterRow{"csv", ".csv", "a line a slot: token,layer,slot,expert,weight (counts: load)",
              write_csv, write_csv_loads},
    WriterRow{"jsonl", ".jsonl", "JSON lines of topk_ids and topk_weights by step and layer",
              write_jsonl, nullptr},
    WriterRow{"eplb", ".json", "counts alone: logical_count by [step][layer][expert]",
              write_logical_count, write_logical_count_loads},
};

}  // namespace

std::span<const WriterRow> trace_writers() { return kWriters; }

const WriterRow& find_trace_writer(const std::string& path) {
  const auto extension = std::filesystem::path(path).extension().string();
  const auto* const row =
      std::find_if(kWriters.begin(), kWriters.end(),
                   [&](const WriterRow& writer) { return writer.extension == extension; });
  if (row != kWriters.end()) return *row;
  std::vector<std::string_view> known;
  for (const auto& writer : kWriters) known.push_back(writer.extension);
  throw UsageError(fmt::format("{}: a trace is written as {}, not '{}'", path,
                               fmt::join(known, ", "), extension));
}

}  // namespace hotexpert
