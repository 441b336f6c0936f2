#pragma once

#include <string>
#include <vector>

#include "reports/run_store.hpp"
#include "sim/model/calibration.hpp"

namespace hotexpert {

/// The measured passes of a run that a cost law can be fitted to: each finished point of one rank
/// with its phases, and its balanced control beside it (totals only) in the same group.
/// Points that were modelled, skipped or failed, and kernels without a law, are left out.
/// @throws InputError naming what a point lacks
std::vector<CalibrationSample> calibration_samples(const Run& run);

/// The machine of a run as its manifest records it: threads that ran the layer, last-level cache,
/// memory. What is not recorded, and the rest, is the base's.
/// @throws InputError when points ran on different numbers of threads: a device file describes one
DeviceDescription machine_of(const Run& run, const DeviceDescription& base);

}  // namespace hotexpert
