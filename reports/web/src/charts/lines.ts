import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from "echarts";
import { baseOption, bottomAxis, valueAxis, zoomX } from "../base_option";
import type { Drawing, LegendEntry, Scene } from "../chart";
import { coordinate, measured } from "../data";
import { DisplayUnit, displayUnit, significant, withUnit } from "../format";
import { symbols } from "../look";
import { tooltip } from "../tooltip";

export interface LinesOver {
  y: string; // metric
  xLabel: string;
  yLabel: string;
  floor?: { metric: string; name: string }; // dashed, the same for every line
  startAtZero?: boolean;
  logX?: boolean; // powers of two
}

interface Datum {
  x: number;
  y: number;
  low?: number;
  high?: number;
  provenance: string;
}

/** A line for each slice over x: measured solid with 95 % whiskers, modelled dashed, counted plain. */
export function drawLines(scene: Scene, over: LinesOver): Drawing {
  const { data, view, look, hidden, logY } = scene;
  const legend: LegendEntry[] = [];
  const lines = view.lines.map((line, i) => {
    const points = line.points.flatMap((point) => datum(scene, over.y, point));
    const name = line.label || data.metrics[over.y]!.label;
    const dashed = points.some((point) => point.provenance === "modelled" || point.provenance === "expected");
    const color = look.series[i % look.series.length]!;
    legend.push({ name, color, dashed });
    return { name, points, color, dashed, symbol: symbols[i % symbols.length]! };
  });
  const floor = over.floor && scene.statistic === "mean" ? floorPoints(scene, over.floor.metric) : [];
  if (over.floor && floor.length > 0) legend.push({ name: over.floor.name, color: look.muted, dashed: true });

  const all = lines.flatMap((line) => line.points);
  const shown = displayUnit(data.metrics[over.y]!.unit, Math.max(0, ...all.map((point) => Math.abs(point.y))));
  const place = (value: number | undefined) =>
    value === undefined || (logY && value <= 0) ? null : value / shown.divisor;
  const visible = lines.filter((line) => !hidden.has(line.name));
  const endLabels = !look.narrow && lines.length > 1 && lines.every((line) => line.name.length < 24);
  const margin = endLabels ? 24 + 7 * Math.max(...lines.map((line) => line.name.length)) : 20;
  const series: object[] = visible.flatMap((line) => [
    {
      type: "line",
      name: line.name,
      data: line.points.map((point) => [point.x, place(point.y)]),
      color: line.color,
      symbol: line.symbol,
      symbolSize: line.points.length > 200 ? 0 : 8,
      lineStyle: { width: 2, type: line.dashed ? "dashed" : "solid" },
      endLabel: { show: endLabels, formatter: line.name, color: line.color, distance: 10 },
      labelLayout: { hideOverlap: true },
    },
    ...whiskers(line.name, line.color, line.points, place),
  ]);
  if (over.floor && floor.length > 0 && !hidden.has(over.floor.name)) {
    series.push({
      type: "line",
      name: over.floor.name,
      data: floor.map((point) => [point.x, place(point.y)]),
      color: look.muted,
      symbol: "none",
      lineStyle: { width: 2, type: "dashed" },
    });
  }
  const counts = visible.every((line) => line.points.every((point) => Number.isInteger(point.x))); // layers, slots: no halves
  const said = scene.statistic === "mean" ? over.yLabel : `${scene.statistic} of ${over.yLabel}`;
  const yName = shown.suffix ? `${said}, ${shown.suffix}` : said;
  return {
    legend,
    summary: summarise(scene, over, visible, shown),
    option: {
      ...baseOption(look),
      tooltip: {
        ...baseOption(look).tooltip,
        trigger: "item",
        formatter: (hit: { seriesName: string; dataIndex: number }) => {
          const line = visible.find((candidate) => candidate.name === hit.seriesName);
          const point = line ? line.points[hit.dataIndex] : floor[hit.dataIndex];
          return point ? tip(hit.seriesName, point, over, shown) : "";
        },
      },
      grid: { left: 8, right: margin, top: 36, bottom: 28, containLabel: true },
      dataZoom: zoomX(),
      xAxis: bottomAxis(look, over.xLabel, over.logX ? { type: "log", logBase: 2 } : counts ? { minInterval: 1 } : {}),
      yAxis: valueAxis(look, yName, {
        type: logY ? "log" : "value",
        min: logY ? undefined : over.startAtZero ? 0 : undefined,
        nameTextStyle: { color: look.muted, align: "left" },
        axisLabel: { color: look.muted, hideOverlap: true, formatter: (value: number) => significant(value, 4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") },
      }),
      series,
    },
  };
}

function datum(scene: Scene, metric: string, point: number): Datum[] {
  const x = coordinate(scene.data, scene.spec.x, point);
  const y = measured(scene.data, metric, point, scene.statistic);
  if (x === undefined || y === undefined) return [];
  return [{ x, y: y.value, low: y.low, high: y.high, provenance: y.provenance }];
}

function floorPoints(scene: Scene, metric: string): Datum[] {
  const byX = new Map<number, Datum>();
  for (const line of scene.view.lines) {
    for (const point of line.points.flatMap((index) => datum(scene, metric, index))) byX.set(point.x, point);
  }
  return [...byX.values()].sort((a, b) => a.x - b.x);
}

export function whiskers(name: string, color: string, points: Datum[], place: (value?: number) => number | null) {
  const data = points
    .filter((point) => point.low !== undefined && point.high !== undefined)
    .map((point) => [point.x, place(point.low), place(point.high)]);
  if (data.length === 0) return [];
  return [{
    type: "custom",
    name,
    data,
    silent: true,
    z: 1,
    encode: { x: 0, y: [1, 2] },
    renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
      const [x, bottom] = api.coord([api.value(0), api.value(1)]);
      const [, top] = api.coord([api.value(0), api.value(2)]);
      const stroke = (x1: number, y1: number, x2: number, y2: number) => ({
        type: "line" as const, shape: { x1, y1, x2, y2 }, style: { stroke: color, lineWidth: 1.5 },
      });
      return {
        type: "group" as const,
        children: [stroke(x!, bottom!, x!, top!), stroke(x! - 5, bottom!, x! + 5, bottom!), stroke(x! - 5, top!, x! + 5, top!)],
      };
    },
  }];
}

function tip(name: string, point: Datum, over: LinesOver, shown: DisplayUnit) {
  const detail = point.low !== undefined && point.high !== undefined
    ? `95 % interval ${withUnit(point.low, { ...shown, suffix: "" })} to ${withUnit(point.high, shown)}`
    : "";
  return tooltip(name, [
    { name: over.xLabel, value: significant(point.x) },
    { name: over.yLabel, value: withUnit(point.y, shown), detail },
    { name: "origin", value: point.provenance },
  ]);
}

function summarise(scene: Scene, over: LinesOver, lines: { name: string; points: Datum[] }[], shown: DisplayUnit): string {
  const parts = lines.filter((line) => line.points.length > 0).map((line) => {
    const first = line.points[0]!;
    const last = line.points[line.points.length - 1]!;
    return `${line.name}: ${withUnit(first.y, shown)} at ${significant(first.x)}, ${withUnit(last.y, shown)} at ${significant(last.x)}`;
  });
  return `${scene.spec.title}. ${over.yLabel} over ${over.xLabel}. ${parts.join("; ")}.`;
}
