#pragma once

#include <string>

#include "sim/traces/importers/importer.hpp"

namespace hotexpert::formats {

/// A plain array whose axes the options declare, as a recording: ids in [tokens, layers, k] (moved
/// there where the order differs), or counts for "step,layer,expert" and "layer,expert".
/// @throws UsageError for an axis order that is none; InputError when the array has another rank
Recording recording_from_array(ArrayView array, const ImportOptions& options,
                               const std::string& origin);

/// The array with its axes moved into [tokens, layers, k].   @param axes "layer,token,slot" etc.
ArrayView token_layer_slot(const ArrayView& array, const std::string& axes,
                           const std::string& origin);

/// Counts [steps, layers, experts] or [layers, experts] (one step); floats must be whole numbers.
LoadMatrix loads_from_array(const ArrayView& array, const std::string& origin);

}  // namespace hotexpert::formats
