#pragma once

#include "reports/section.hpp"

namespace hotexpert {

/// Every check of every recorded trace the runs replayed, from their manifests, also those that
/// found nothing; no rows where nothing was recorded.
Table recorded_traces_table(const Comparison& comparison);

}  // namespace hotexpert
