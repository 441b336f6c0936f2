import type { Chart } from "../chart";
import { balanceByWeight } from "./balance_by_weight";
import { capacityCost } from "./capacity_cost";
import { dropsByPosition, dropsBySourceRank } from "./drop_bias";
import { dropSpectrum } from "./drop_spectrum";
import { drops } from "./drops";
import { dropsByLayer } from "./drops_by_layer";
import { dropsByRule, neededFactor } from "./drops_by_rule";
import { dropsByOrder } from "./drops_by_order";
import { imbalanceTax } from "./imbalance_tax";
import { collapse, timeToQuality, trainingCurves } from "./lab_curves";
import { predictedMeasured } from "./predicted_measured";
import { metricLeague } from "./metric_league";
import { regimeMap } from "./regime_map";
import { priceList } from "./price_list";
import { rebalanceVerdict } from "./rebalance_verdict";
import { loadByLayer, loadByStep } from "./load_heat";
import { pareto } from "./pareto";
import { passTax } from "./pass_tax";
import { phasesChart } from "./phases";
import { placementGain, rankScaling, replicas } from "./placement";
import { rankLoadAfter, rankLoadBefore } from "./rank_load";
import { rankTimeline } from "./rank_timeline";
import { profileLedger, profileRoofline, profileShare, profileTimeline } from "./profile";
import { timeBySkew } from "./time_by_skew";
import { tokensPerExpert } from "./tokens_per_expert";

/** Every chart; the ids are those of reports/sections. */
export const charts: Chart[] = [timeBySkew, imbalanceTax, passTax, tokensPerExpert, loadByStep, loadByLayer, drops, dropsByOrder, phasesChart,
  capacityCost, dropSpectrum, dropsByRule, dropsByLayer, neededFactor, dropsByPosition, dropsBySourceRank,
  balanceByWeight, pareto, timeToQuality, trainingCurves, collapse,
  rankScaling, rankTimeline, rankLoadBefore, rankLoadAfter, placementGain, replicas, rebalanceVerdict,
  profileTimeline, profileLedger, profileShare, profileRoofline,
  regimeMap, priceList, predictedMeasured, metricLeague];
