#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"

namespace hotexpert::formats {
namespace {

namespace fs = std::filesystem;

bool is_rank_file(const fs::path& path) {
  return path.filename().string().rfind("router_trace_rank", 0) == 0 &&
         path.extension() == ".jsonl";
}

std::vector<std::string> rank_files(const ImportSource& source) {
  if (source.file) return source.paths;
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(source.path())) {
    if (is_rank_file(entry.path())) out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

struct Record {
  std::int64_t layer = 0;
  std::vector<std::vector<std::int64_t>> ids;
};

/// Records by (step, rank), in the order of the file.
using Records = std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Record>>;

struct Counts {
  std::int64_t missing = 0;       // num_tokens says more than top_indices has
  std::int64_t other_blocks = 0;  // records of multi-token prediction heads
};

void read_file(const std::string& path, Records& records, Counts& counts) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for_each_json_line(text, path, [&](const Json& json, const std::string& where) {
    if (const auto* block = json.find("block");
        block != nullptr && block->is_string() && block->as_string() != "decoder") {
      ++counts.other_blocks;
      return;
    }
    Record record;
    record.layer = json.at("layer").as_integer();
    for (const auto& row : json.at("top_indices").as_array()) {
      record.ids.push_back(json_ids(row, where));
    }
    const auto claimed = json.at("num_tokens").as_integer();
    const auto has = static_cast<std::int64_t>(record.ids.size());
    if (claimed < has) {
      throw InputError(
          fmt::format("{}: num_tokens is {}, top_indices has {}", where, claimed, has));
    }
    counts.missing += claimed - has;
    const Json* const rank = json.find("rank");
    records[{json.at("step").as_integer(), rank == nullptr ? 0 : rank->as_integer()}].push_back(
        std::move(record));
  });
}

}  // namespace

bool sniff_megatron(const ImportSource& source) {
  if (!source.file) {
    const auto files = rank_files(source);
    return !files.empty();
  }
  const auto line = first_line(source.beginning());
  return !line.empty() && line.front() == '{' &&
         source.beginning().find("\"top_indices\"") != std::string_view::npos;
}

/// router_trace_rank<r>.jsonl of Megatron-Core: a record a (step, rank, layer), ids ascending. A
/// step's tokens are those of rank 0, then rank 1, …
Recording read_megatron(const ImportSource& source, const ImportOptions&) {
  Records records;
  Counts counts;
  for (const auto& path : rank_files(source)) read_file(path, records, counts);
  TokenTable table(source.path());
  std::vector<std::int32_t> ranks;
  for (auto it = records.begin(); it != records.end(); ++it) {
    const auto [step, rank] = it->first;
    if (rank < 0 || rank > 1'000'000) {
      throw InputError(fmt::format("{}: rank {} is out of range", source.path(), rank));
    }
    for (const auto& record : it->second) {
      for (const auto& ids : record.ids) table.add(record.layer, ids, {});
    }
    table.mark_tokens(ranks, static_cast<std::int32_t>(rank));
    const auto next = std::next(it);
    if (next == records.end() || next->first.first != step) table.end_step();
  }
  auto out = recording_from_table(table);
  out.arrays->source_rank = std::move(ranks);
  out.checks.push_back(
      {"truncated_records", Severity::kWarning, counts.missing, "tokens",
       fmt::format("{} tokens of num_tokens are not in top_indices.", counts.missing)});
  out.checks.push_back({"other_blocks", Severity::kInfo, counts.other_blocks, "records",
                        fmt::format("{} records of other blocks than the decoder were left out.",
                                    counts.other_blocks)});
  out.warnings.emplace_back(
      "Slots are in ascending order of expert id, not by falling weight: rules that drop second "
      "choices first have no meaning here.");
  return out;
}

}  // namespace hotexpert::formats
