import { baseOption, bottomAxis, valueAxis, zoomX } from "../base_option";
import type { Chart, LegendEntry, Scene } from "../chart";
import { coordinate, measured, Number95 } from "../data";
import { DisplayUnit, displayUnit, significant, withUnit } from "../format";
import { symbols } from "../look";
import { tooltip } from "../tooltip";
import { whiskers } from "./lines";

const dropped = "drop.assignment_fraction";
const floorMetric = "drop.floor_fraction";
const time = "layer.total_s";
const floorName = "uniform router (floor)";
const percent: DisplayUnit = { divisor: 0.01, suffix: "%" };
const panelHeight = 220;
const leastBend = 0.05; // a straight trade has no knee

interface Cost {
  x: number;
  drops: Number95;
  floor: number | undefined;
  time: Number95;
}

function costsOf({ data, spec, view }: Scene): { name: string; costs: Cost[] }[] {
  return view.lines.map((line) => ({
    name: line.label || "dropped assignments",
    costs: line.points.flatMap((point) => {
      const x = coordinate(data, spec.x, point);
      const drops = measured(data, dropped, point);
      const seconds = measured(data, time, point);
      if (x === undefined || !drops || !seconds) return [];
      return [{ x, drops, floor: measured(data, floorMetric, point)?.value, time: seconds }];
    }),
  }));
}

/** The point farthest below the chord of scaled drops over scaled time, as reports/sections/capacity_cost.cpp says it. */
export function kneeOf(costs: { x: number; drops: number; time: number }[]): number | undefined {
  const first = costs[0];
  const last = costs[costs.length - 1];
  if (costs.length < 3 || !first || !last || !(first.drops > last.drops) || !(last.time > first.time)) return undefined;
  let farthest = leastBend;
  let knee: number | undefined;
  for (const cost of costs.slice(1, -1)) {
    const below = 1 - (cost.drops - last.drops) / (first.drops - last.drops) - (cost.time - first.time) / (last.time - first.time);
    if (below > farthest) [farthest, knee] = [below, cost.x];
  }
  return knee;
}

/** Two panels over one capacity factor: what is dropped, and the measured time. */
export const capacityCost: Chart = {
  id: "capacity-cost",
  draw(scene) {
    const { spec, look, hidden } = scene;
    const lines = costsOf(scene).map((line, i) => ({ ...line, color: look.series[i % look.series.length]!, symbol: symbols[i % symbols.length]! }));
    const visible = lines.filter((line) => !hidden.has(line.name));
    const seconds = displayUnit("s", Math.max(0, ...lines.flatMap(({ costs }) => costs.map((cost) => cost.time.value))));
    const floor = lines[0]?.costs.flatMap((cost) => (cost.floor === undefined ? [] : [[cost.x, cost.floor / percent.divisor]])) ?? [];
    const legend: LegendEntry[] = lines.map(({ name, color }) => ({ name, color }));
    if (floor.length > 0) legend.push({ name: floorName, color: look.muted, dashed: true });
    const knees = visible.map(({ costs }) => kneeOf(costs.map((cost) => ({ x: cost.x, drops: cost.drops.value, time: cost.time.value }))));
    const series: object[] = visible.flatMap((line, i) => {
      const knee = knees[i];
      const mark = (labelled: boolean) => (knee === undefined ? undefined : {
        silent: true, symbol: "none", lineStyle: { color: line.color, type: "dotted", width: 1.5 },
        label: { show: labelled, formatter: `knee ${significant(knee)}`, color: line.color, position: "end", distance: [0, 2 + 13 * i] }, data: [{ xAxis: knee }],
      });
      const shared = { type: "line", name: line.name, color: line.color, symbol: line.symbol, symbolSize: 8, lineStyle: { width: 2 } };
      return [
        { ...shared, data: line.costs.map((cost) => [cost.x, cost.drops.value / percent.divisor]), markLine: mark(true) },
        { ...shared, xAxisIndex: 1, yAxisIndex: 1, data: line.costs.map((cost) => [cost.x, cost.time.value / seconds.divisor]), markLine: mark(false) },
        ...whiskers(line.name, line.color, line.costs.map((cost) => ({ x: cost.x, y: cost.time.value, ...cost.time })), (value) => (value === undefined ? null : value / seconds.divisor))
          .map((one) => ({ ...one, xAxisIndex: 1, yAxisIndex: 1 })),
      ];
    });
    if (floor.length > 0 && !hidden.has(floorName)) {
      series.push({ type: "line", name: floorName, color: look.muted, symbol: "none", lineStyle: { width: 2, type: "dashed" }, data: floor });
    }
    const top = 24 + 14 * Math.max(1, knees.filter((knee) => knee !== undefined).length);
    const place = (index: number) => ({ left: 64, right: 24, top: top + index * (panelHeight + 44), height: panelHeight });
    const yAxis = (name: string, gridIndex: number) => valueAxis(look, name, {
      gridIndex, min: 0, nameLocation: "middle", nameGap: 44, nameTextStyle: { color: look.muted },
    });
    return {
      legend,
      height: top + 2 * panelHeight + 44 + 44,
      summary: `${spec.title}. ${visible.map((line, i) => `${line.name}: ${line.costs.map((cost) => `factor ${significant(cost.x)} drops ${withUnit(cost.drops.value, percent)} in ${withUnit(cost.time.value, seconds)}`).join(", ")}${knees[i] === undefined ? "" : `; knee at ${significant(knees[i]!)}`}`).join(". ")}.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { seriesName: string; value: [number, number] }) => {
            const cost = lines.find((line) => line.name === hit.seriesName)?.costs.find((one) => one.x === hit.value[0]);
            if (!cost) return tooltip(hit.seriesName, [{ name: "capacity factor", value: significant(hit.value[0]) }, { name: "dropped", value: withUnit(hit.value[1] * percent.divisor, percent) }]);
            const interval = cost.time.low !== undefined && cost.time.high !== undefined
              ? `95 % interval ${withUnit(cost.time.low, { ...seconds, suffix: "" })} to ${withUnit(cost.time.high, seconds)}` : undefined;
            return tooltip(hit.seriesName, [
              { name: "capacity factor", value: significant(cost.x) },
              { name: "dropped", value: withUnit(cost.drops.value, percent) },
              { name: "layer time", value: withUnit(cost.time.value, seconds), detail: interval },
              { name: "origin of the time", value: cost.time.provenance },
            ]);
          },
        },
        grid: [place(0), place(1)],
        dataZoom: zoomX([0, 1]),
        xAxis: [bottomAxis(look, "", { gridIndex: 0, axisLabel: { show: false } }), bottomAxis(look, "capacity factor", { gridIndex: 1 })],
        yAxis: [yAxis("dropped, %", 0), yAxis(`layer time, ${seconds.suffix}`, 1)],
        series,
      },
    };
  },
};
