#pragma once

#include "reports/comparison.hpp"

namespace hotexpert {

/// What the page's charts are drawn from (reports/web/src/data.ts describes it): axes and metrics
/// in columns, the loads behind "tokens per expert", and each section's view. Texts are
/// visible_text().
Json page_data(const Comparison& comparison);

}  // namespace hotexpert
