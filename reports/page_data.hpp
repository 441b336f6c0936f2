#pragma once

#include "reports/comparison.hpp"
#include "reports/embedded_series.hpp"

namespace hotexpert {

/// What the page's charts are drawn from (reports/web/src/data.ts describes it): axes and metrics
/// in columns, the arrays that sections asked for, and each section's view. Texts are
/// visible_text().
Json page_data(const Comparison& comparison, const EmbeddedSeries& embedded);

}  // namespace hotexpert
