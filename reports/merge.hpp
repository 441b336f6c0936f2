#pragma once

#include <string>
#include <vector>

#include "reports/run_store.hpp"

namespace hotexpert {

/// The run folders among `dirs`: each a run folder itself, or a folder of shards (shard-*), by
/// shard number. @throws InputError for a folder that is neither
std::vector<std::string> shard_folders(const std::vector<std::string>& dirs);

/// What keeps shards from being one whole run: other scenarios, shards that are missing, doubled or
/// of another split, points that are not finished. One phrase each; empty when complete.
/// @param shards as read_run returned them, each with "shard" in its manifest
std::vector<std::string> incomplete_shards(const std::vector<Run>& shards);

/// Writes all points of complete shards, in the order of an undivided sweep, into a run folder of
/// their own, with the manifest of the first shard; it appears whole or not at all.
/// @return points written   @throws OutputError, UsageError as RunWriter::draft
std::size_t write_merged(const std::vector<Run>& shards, const std::string& dir,
                         FileOps& ops = system_files());

}  // namespace hotexpert
