#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/base/json.hpp"

namespace hotexpert {

/// {"absent": reason}: how a record says that a fact could not be read.
Json absent(std::string reason);

/// The file's text without the blanks around it; nullopt when it cannot be read or is empty.
std::optional<std::string> read_fact(const std::filesystem::path& file);

// Facts that Linux tells in files under `root`. Each has the shape that a run's manifest documents.
Json processor_facts(const std::filesystem::path& root);  ///< model, cores, caches, governor, quota
Json memory_facts(const std::filesystem::path& root);     ///< total_bytes, available_bytes
Json system_facts(const std::filesystem::path& root);     ///< os, kernel release
Json load_average(const std::filesystem::path& root);     ///< 1-minute load average
Json gpu_facts(const std::filesystem::path& root);  ///< driver and device models of NVIDIA's driver

}  // namespace hotexpert
