import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from "echarts";
import { baseOption, bottomAxis, valueAxis, zoomX } from "../base_option";
import type { Drawing, Scene } from "../chart";
import { displayUnit, withUnit } from "../format";
import { tooltip, TooltipRow } from "../tooltip";

export interface Bar {
  lane: number; // index into lanes
  kind: string; // colour and legend entry
  start: number; // seconds
  end: number;
  name: string;
  detail?: TooltipRow[];
  hatched?: boolean; // the same for all bars of a kind
}

/** Diagonal lines in a colour, to tell work from waste without colour too. */
function hatch(color: string): object {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d")!;
  pen.strokeStyle = color;
  pen.lineWidth = 1.4;
  for (const shift of [-6, 0, 6]) {
    pen.beginPath();
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
    pen.stroke();
  }
  return { image: tile, repeat: "repeat" };
}

/** Bars on lanes over time: tiles on SMs, phases of ranks. Kinds are switched in the legend. */
export function drawGantt(scene: Scene, lanes: string[], bars: Bar[]): Drawing {
  const { spec, look, hidden } = scene;
  const kinds = [...new Set(bars.map((bar) => bar.kind))];
  const color = (kind: string) => look.series[kinds.indexOf(kind) % look.series.length]!;
  const hatched = new Set(bars.filter((bar) => bar.hatched).map((bar) => bar.kind));
  const fills = new Map(kinds.map((kind) => [kind, hatched.has(kind) ? { fill: hatch(color(kind)), stroke: color(kind), lineWidth: 0.5 } : { fill: color(kind) }]));
  const end = bars.reduce((latest, bar) => Math.max(latest, bar.end), 0);
  const shown = displayUnit("s", end);
  const laneHeight = Math.max(3, Math.min(28, 480 / Math.max(1, lanes.length)));
  return {
    legend: kinds.map((name) => ({ name, color: color(name), hatched: hatched.has(name) })),
    height: lanes.length * laneHeight + 80,
    summary: `${spec.title}. ${bars.length} bars on ${lanes.length} lanes, ${withUnit(end, shown)} in all.`,
    option: {
      ...baseOption(look),
      tooltip: {
        ...baseOption(look).tooltip,
        formatter: (hit: { seriesName: string; dataIndex: number }) => {
          const bar = bars.filter((one) => one.kind === hit.seriesName)[hit.dataIndex]!;
          return tooltip(bar.name, [
            { name: bar.kind, value: withUnit(bar.end - bar.start, shown), detail: `${withUnit(bar.start, shown)} to ${withUnit(bar.end, shown)}` },
            { name: "lane", value: lanes[bar.lane]! },
            ...(bar.detail ?? []),
          ]);
        },
      },
      grid: { left: 8, right: 20, top: 16, bottom: 28, containLabel: true },
      dataZoom: zoomX(),
      xAxis: bottomAxis(look, `time, ${shown.suffix}`, { scale: false, min: 0, splitLine: { show: true, lineStyle: { color: look.line } } }),
      yAxis: valueAxis(look, "", { type: "category", inverse: true, data: lanes, axisLabel: { color: look.text, hideOverlap: true }, splitLine: { show: false } }),
      series: kinds.filter((kind) => !hidden.has(kind)).map((kind) => ({
        type: "custom",
        name: kind,
        color: color(kind),
        encode: { x: [1, 2], y: 0 },
        data: bars.filter((bar) => bar.kind === kind).map((bar) => [bar.lane, bar.start / shown.divisor, bar.end / shown.divisor]),
        renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
          const [x, y] = api.coord([api.value(1), api.value(0)]);
          const [right] = api.coord([api.value(2), api.value(0)]);
          const height = Math.max(2, laneHeight * 0.7);
          return { type: "rect" as const, shape: { x: x!, y: y! - height / 2, width: Math.max(1, right! - x!), height }, style: fills.get(kind)! };
        },
      })),
    },
  };
}
