#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "scenarios/cli/table.hpp"
#include "sim/traces/importers/importer.hpp"

namespace hotexpert {

/// The options of every action of `hotexpert trace` that reads a recording.
std::vector<OptionRow> recording_options();

/// The value of a whole-number axis given as a flag, or `fallback`.   @throws UsageError for a list
std::int64_t one_value(const Arguments& arguments, std::string_view axis, std::int64_t fallback);
/// All values of a whole-number axis, or `fallback`.
std::vector<std::int64_t> all_values(const Arguments& arguments, std::string_view axis,
                                     std::vector<std::int64_t> fallback);

/// Reads the files named behind the action, by any importer.
/// @param fallback_on_bad what --on-bad means where it is not given
ImportedTrace read_recording(const Arguments& arguments, std::string_view fallback_on_bad);

/// The same, refused when the recording holds counts only. Warns of every check that found
/// something.   @param purpose "trace twin imitates tokens"
TraceArrays read_tokens(const Arguments& arguments, std::string_view purpose);

/// Every check as a table: check, severity, count, unit, text.
CommandTable checks_table(const ImportedTrace& imported);

/// A warning line for every check that found something, and for every import warning.
void warn_of_checks(const ImportedTrace& imported);

/// -o FILE.   @throws UsageError when it was not given
std::string output_path(const Arguments& arguments);

}  // namespace hotexpert
