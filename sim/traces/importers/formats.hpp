#pragma once

#include "sim/traces/importers/importer.hpp"

namespace hotexpert::formats {

// sniff and read of each row of importers(), in the file of its name.
bool sniff_npy(const ImportSource& source);
Recording read_npy(const ImportSource& source, const ImportOptions& options);
bool sniff_npz(const ImportSource& source);
Recording read_npz(const ImportSource& source, const ImportOptions& options);
bool sniff_safetensors(const ImportSource& source);
Recording read_safetensors(const ImportSource& source, const ImportOptions& options);
bool sniff_tensorrt_llm(const ImportSource& source);
Recording read_tensorrt_llm(const ImportSource& source, const ImportOptions& options);
bool sniff_megatron(const ImportSource& source);
Recording read_megatron(const ImportSource& source, const ImportOptions& options);
bool sniff_vllm(const ImportSource& source);
Recording read_vllm(const ImportSource& source, const ImportOptions& options);
bool sniff_logical_count(const ImportSource& source);
Recording read_logical_count(const ImportSource& source, const ImportOptions& options);
bool sniff_dataset_counts(const ImportSource& source);
Recording read_dataset_counts(const ImportSource& source, const ImportOptions& options);
bool sniff_selections(const ImportSource& source);
Recording read_selections(const ImportSource& source, const ImportOptions& options);
bool sniff_jsonl(const ImportSource& source);
Recording read_jsonl(const ImportSource& source, const ImportOptions& options);
bool sniff_csv(const ImportSource& source);
Recording read_csv(const ImportSource& source, const ImportOptions& options);

}  // namespace hotexpert::formats
