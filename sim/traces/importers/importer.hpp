#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/import_checks.hpp"
#include "sim/traces/mapped_file.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// What the user knows that the recording may not say.
struct ImportOptions {
  std::string format = {};  ///< an importer's name; "" = decide by content
  /// Axis order of plain arrays: "token,layer,slot" (default), any permutation of it,
  /// "token,slot", or "step,layer,expert" for counts.
  std::string axes = {};
  std::string weights_file = {};     ///< see open_trace_arrays
  int num_experts = 0;               ///< 0 = from the recording, else the largest id + 1
  int top_k = 0;                     ///< needed by `csv` for tokens; used by checks of counts
  std::int64_t tokens_per_step = 0;  ///< used by checks of counts
  std::optional<std::int64_t> absent_id = {};  ///< a sentinel beside -1
  OnBad on_bad = OnBad::kStrict;
};

/// The files of one recording, before it is known what they are.
struct ImportSource {
  std::vector<std::string> paths;          ///< as given; at least one
  std::shared_ptr<const MappedFile> file;  ///< the first path, mapped; null for a folder

  [[nodiscard]] const std::string& path() const { return paths.front(); }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return file ? file->bytes() : std::span<const std::byte>{};
  }
  [[nodiscard]] std::string_view text() const;       ///< the whole first file
  [[nodiscard]] std::string_view beginning() const;  ///< its first 4,096 bytes, for sniff
};

/// A recording: tokens, or counts only.
struct Recording {
  std::optional<TraceArrays> arrays;
  std::optional<LoadMatrix> loads;
  std::string model = {};
  int top_k = 0;                           ///< of counts, where the recording says it, else 0
  std::vector<ImportCheck> checks = {};    ///< what the importer itself found
  std::vector<std::string> warnings = {};  ///< whole sentences
};

/// One importer: a file of its own under sim/traces/importers.
struct ImporterRow {
  std::string_view name;
  std::string_view summary;
  /// True when the content looks like this importer's. Never throws for damaged files.
  bool (*sniff)(const ImportSource& source);
  /// @throws InputError naming the file and what is wrong with it
  Recording (*read)(const ImportSource& source, const ImportOptions& options);
};

/// Every importer, in the order they are asked.
std::span<const ImporterRow> importers();

/// A recording that was read, checked and cleaned.
struct ImportedTrace {
  std::string importer;  ///< the row that read it
  Recording recording;   ///< exactly one of arrays and loads
  int num_experts = 0;
  std::vector<ImportCheck> checks;  ///< every check, also those that found nothing
  std::int64_t tokens_left_out = 0;
  std::int64_t layers_left_out = 0;  ///< dense layers stored as zeros
};

/// Reads a recording with the importer that recognises it (or options.format), leaves out dense
/// layers stored as zeros where k > 1, runs every check and applies on_bad.
/// @throws InputError when no importer recognises the file or it is damaged; UsageError for an
/// unknown format or axis order
ImportedTrace import_trace(const std::vector<std::string>& paths, const ImportOptions& options);

}  // namespace hotexpert
