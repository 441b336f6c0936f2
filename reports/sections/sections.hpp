#pragma once

#include "reports/section.hpp"

// The rows of report_sections(), one file each.

namespace hotexpert {

extern const ReportSection kTokensPerExpert;
extern const ReportSection kLoadByStep;
extern const ReportSection kLoadByLayer;
extern const ReportSection kTimeBySkew;
extern const ReportSection kImbalanceTax;
extern const ReportSection kPassTax;
extern const ReportSection kDrops;
extern const ReportSection kDropsByOrder;
extern const ReportSection kDropSpectrum;
extern const ReportSection kCapacityCost;
extern const ReportSection kDropsByRule;
extern const ReportSection kDropsByLayer;
extern const ReportSection kNeededFactor;
extern const ReportSection kDropsByPosition;
extern const ReportSection kDropsBySourceRank;
extern const ReportSection kBalanceByWeight;
extern const ReportSection kPareto;
extern const ReportSection kTimeToQuality;
extern const ReportSection kTrainingCurves;
extern const ReportSection kCollapse;
extern const ReportSection kPhases;
extern const ReportSection kRankScaling;
extern const ReportSection kRankTimeline;
extern const ReportSection kRankLoadBefore;
extern const ReportSection kRankLoadAfter;
extern const ReportSection kPlacementGain;
extern const ReportSection kReplicas;
extern const ReportSection kRebalanceVerdict;
extern const ReportSection kProfileTimeline;
extern const ReportSection kProfileLedger;
extern const ReportSection kProfileShare;
extern const ReportSection kProfileRoofline;
extern const ReportSection kRegimeMap;
extern const ReportSection kPriceList;
extern const ReportSection kPredictedMeasured;
extern const ReportSection kMetricLeague;

}  // namespace hotexpert
