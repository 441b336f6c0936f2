#pragma once

#include "reports/section.hpp"

// The rows of report_sections(), one file each.

namespace hotexpert {

extern const ReportSection kTokensPerExpert;
extern const ReportSection kLoadByStep;
extern const ReportSection kLoadByLayer;
extern const ReportSection kTimeBySkew;
extern const ReportSection kImbalanceTax;
extern const ReportSection kDrops;
extern const ReportSection kDropsByOrder;
extern const ReportSection kPhases;

}  // namespace hotexpert
