import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from "echarts";
import { baseOption, bottomAxis, valueAxis, zoomX } from "../base_option";
import type { Drawing, LegendEntry, Scene } from "../chart";
import { DisplayUnit, displayUnit, significant, withUnit } from "../format";
import { symbols } from "../look";
import { tooltip } from "../tooltip";

export interface PanelPoint {
  x: number;
  y: number;
  low?: number; // of y
  high?: number;
  xLow?: number;
  xHigh?: number;
  label?: string; // of the tooltip, where the line's name does not say it
}

export interface PanelLine {
  name: string;
  color: number; // position in the palette
  kind: "line" | "curve" | "points"; // with symbols and whiskers; with a band; no line
  dashed?: boolean;
  size?: number; // of the symbols, in pixels
  points: PanelPoint[];
}

export interface Panel {
  title: string;
  xLabel: string;
  yLabel: string;
  unit: string; // of y
  xUnit?: string;
  logX?: boolean;
  startAtZero?: boolean;
  marks?: { y: number; label: string }[]; // dashed levels
  intervals?: string; // what whiskers and bands are; left out: over seeds
  lines: PanelLine[];
}

/** Panels side by side (below each other on a phone) that share one legend. */
export function drawPanels(scene: Scene, panels: Panel[]): Drawing {
  const { look, hidden, logY, spec } = scene;
  const columns = look.narrow ? 1 : Math.min(panels.length, panels.length === 4 ? 2 : 3, Math.max(1, Math.floor(look.width / 320)));
  const rows = Math.ceil(panels.length / columns);
  const rowHeight = look.narrow ? 290 : 350;
  const legend: LegendEntry[] = [];
  for (const line of panels.flatMap((panel) => panel.lines)) {
    if (legend.some((entry) => entry.name === line.name)) continue;
    legend.push({ name: line.name, color: colorOf(scene, line), dashed: line.dashed });
  }
  const shownUnits = panels.map((panel) => unitOf(panel.unit, panel.lines.flatMap((line) => line.points.map((one) => one.y))));
  const xUnits = panels.map((panel) => unitOf(panel.xUnit ?? "", panel.lines.flatMap((line) => line.points.map((one) => one.x))));
  const place = (index: number) => ({
    left: `${((index % columns) * 100) / columns + 1}%`,
    width: `${100 / columns - 3}%`,
    top: Math.floor(index / columns) * rowHeight + 58,
    height: rowHeight - 100,
    containLabel: true,
  });
  const series = panels.flatMap((panel, index) =>
    panel.lines.filter((line) => !hidden.has(line.name)).flatMap((line) => lineSeries(scene, panel, line, index, xUnits[index]!, shownUnits[index]!)));
  const marks = panels.flatMap((panel, index) => markSeries(scene, panel, index, shownUnits[index]!));
  return {
    legend,
    height: rows * rowHeight,
    summary: `${spec.title}. ${panels.map((panel, i) => summarise(panel, hidden, shownUnits[i]!)).join(" ")}`,
    option: {
      ...baseOption(look),
      tooltip: {
        ...baseOption(look).tooltip,
        formatter: (hit: { seriesIndex: number; dataIndex: number }) => {
          const from = series[hit.seriesIndex];
          return from ? tip(panels[from.xAxisIndex]!, from.line, from.line.points[hit.dataIndex]!, xUnits[from.xAxisIndex]!, shownUnits[from.xAxisIndex]!) : "";
        },
      },
      title: panels.map((panel, index) => ({
        text: panel.title, left: `${((index % columns) * 100) / columns + 1}%`, top: Math.floor(index / columns) * rowHeight,
        textStyle: { fontSize: 13, fontWeight: 600, color: look.text },
      })),
      grid: panels.map((_, index) => place(index)),
      dataZoom: zoomX(panels.map((_, index) => index)),
      xAxis: panels.map((panel, index) =>
        bottomAxis(look, withSuffix(panel.xLabel, xUnits[index]!), {
          gridIndex: index, type: panel.logX ? "log" : "value", ...(panel.logX ? { min: "dataMin", max: "dataMax" } : {}), axisLabel: { color: look.muted, hideOverlap: true, formatter: (value: number) => String(Number(value.toPrecision(4))) },
        })),
      yAxis: panels.map((panel, index) =>
        valueAxis(look, withSuffix(panel.yLabel, shownUnits[index]!), {
          gridIndex: index, type: logY ? "log" : "value", scale: !panel.startAtZero, min: panel.startAtZero && !logY ? 0 : undefined,
          nameTextStyle: { color: look.muted, align: "left" }, axisLabel: { color: look.muted, hideOverlap: true, formatter: (value: number) => String(Number(value.toPrecision(4))) },
        })),
      series: [...series.map(({ line: _, ...one }) => one), ...panels.flatMap((panel, index) => bands(scene, panel, index, xUnits[index]!, shownUnits[index]!)), ...marks],
    },
  };
}

type LineSeries = { line: PanelLine; xAxisIndex: number } & Record<string, unknown>;

function lineSeries(scene: Scene, panel: Panel, line: PanelLine, index: number, xUnit: DisplayUnit, unit: DisplayUnit): LineSeries[] {
  const color = colorOf(scene, line);
  const where = { xAxisIndex: index, yAxisIndex: index };
  const drawn: LineSeries = {
    ...where, line,
    type: line.kind === "points" ? "scatter" : "line",
    name: line.name,
    color,
    symbol: line.kind === "curve" ? "none" : symbols[line.color % symbols.length]!,
    symbolSize: line.size ?? 9,
    lineStyle: { width: 2, type: line.dashed ? "dashed" : "solid" },
    data: line.points.map((one) => [placed(one.x, xUnit, panel.logX), placed(one.y, unit, scene.logY)]),
  };
  if (line.kind === "curve" || !line.points.some((one) => one.low !== undefined || one.xLow !== undefined)) return [drawn];
  const whiskers: LineSeries = {
    ...where, line, type: "custom", name: line.name, silent: true, clip: true, z: 1, encode: { x: 0, y: [1, 2] },
    data: line.points.map((one) => [
      placed(one.x, xUnit, panel.logX), placed(one.low ?? one.y, unit, scene.logY), placed(one.high ?? one.y, unit, scene.logY),
      placed(one.xLow ?? one.x, xUnit, panel.logX), placed(one.xHigh ?? one.x, xUnit, panel.logX), placed(one.y, unit, scene.logY),
    ]),
    renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
      const [x, bottom] = api.coord([api.value(0), api.value(1)]);
      const [, top] = api.coord([api.value(0), api.value(2)]);
      const [left, y] = api.coord([api.value(3), api.value(5)]);
      const [right] = api.coord([api.value(4), api.value(5)]);
      const stroke = (x1: number, y1: number, x2: number, y2: number) => ({ type: "line" as const, shape: { x1, y1, x2, y2 }, style: { stroke: color, lineWidth: 1.5 } });
      const ends = Math.abs(bottom! - top!) < 1 ? [] : [stroke(x! - 4, bottom!, x! + 4, bottom!), stroke(x! - 4, top!, x! + 4, top!)];
      return { type: "group" as const, children: [stroke(x!, bottom!, x!, top!), stroke(left!, y!, right!, y!), ...ends] };
    },
  };
  return [drawn, whiskers];
}

/** The range around curves: least as an invisible line, most stacked on it. */
function bands(scene: Scene, panel: Panel, index: number, xUnit: DisplayUnit, unit: DisplayUnit): object[] {
  if (scene.logY) return [];
  return panel.lines.filter((line) => line.kind === "curve" && !scene.hidden.has(line.name) && line.points.some((one) => one.low !== undefined)).flatMap((line) => {
    const edge = (pick: (one: PanelPoint) => number, extra: object) => ({
      type: "line", name: line.name, xAxisIndex: index, yAxisIndex: index, color: colorOf(scene, line), symbol: "none", silent: true,
      stack: `band ${index} ${line.name}`, lineStyle: { width: 0 }, data: line.points.map((one) => [placed(one.x, xUnit, panel.logX), pick(one) / unit.divisor]), ...extra,
    });
    return [edge((one) => one.low ?? one.y, {}), edge((one) => (one.high ?? one.y) - (one.low ?? one.y), { areaStyle: { color: colorOf(scene, line), opacity: 0.14 } })];
  });
}

function markSeries(scene: Scene, panel: Panel, index: number, unit: DisplayUnit): object[] {
  const marks = (panel.marks ?? []).filter((mark) => !(scene.logY && mark.y <= 0));
  if (marks.length === 0) return [];
  return [{
    type: "line", name: "marks", xAxisIndex: index, yAxisIndex: index, silent: true, data: [],
    markLine: {
      silent: true, symbol: "none", lineStyle: { color: scene.look.muted, type: "dashed", width: 1.5 },
      label: { color: scene.look.muted, position: "insideEndTop", formatter: (hit: { name: string }) => hit.name },
      data: marks.map((mark) => ({ name: mark.label, yAxis: mark.y / unit.divisor })),
    },
  }];
}

function tip(panel: Panel, line: PanelLine, point: PanelPoint, xUnit: DisplayUnit, unit: DisplayUnit): HTMLElement {
  const what = panel.intervals ?? (line.kind === "curve" ? "over seeds" : "95 % interval over seeds");
  const range = (low: number | undefined, high: number | undefined, of: DisplayUnit) =>
    low === undefined || high === undefined ? undefined : `${what} ${withUnit(low, of)} to ${withUnit(high, of)}`;
  return tooltip(point.label ?? line.name, [
    { name: panel.xLabel, value: withUnit(point.x, xUnit), detail: range(point.xLow, point.xHigh, xUnit) },
    { name: panel.yLabel, value: withUnit(point.y, unit), detail: range(point.low, point.high, unit) },
  ]);
}

function summarise(panel: Panel, hidden: Set<string>, unit: DisplayUnit): string {
  const said = panel.lines.filter((line) => !hidden.has(line.name) && line.points.length > 0).map((line) => {
    const first = line.points[0]!;
    const last = line.points[line.points.length - 1]!;
    return `${line.name}: ${withUnit(first.y, unit)} at ${significant(first.x)}, ${withUnit(last.y, unit)} at ${significant(last.x)}`;
  });
  return `${panel.title}: ${panel.yLabel} over ${panel.xLabel}. ${said.join("; ")}.`;
}

function unitOf(unit: string, values: number[]): DisplayUnit {
  return displayUnit(unit, Math.max(0, ...values.map(Math.abs).filter(Number.isFinite)));
}

const withSuffix = (label: string, unit: DisplayUnit) => (unit.suffix ? `${label}, ${unit.suffix}` : label);
const placed = (value: number, unit: DisplayUnit, log?: boolean) => (!Number.isFinite(value) || (log && value <= 0) ? null : value / unit.divisor);
const colorOf = ({ look }: Scene, line: PanelLine) => look.series[line.color % look.series.length]!;
