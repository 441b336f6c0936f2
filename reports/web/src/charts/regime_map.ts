import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from "echarts";
import { baseOption } from "../base_option";
import type { Chart, Scene } from "../chart";
import { coordinate, measured, seriesOf } from "../data";
import { significant, withUnit, displayUnit } from "../format";
import { tooltip } from "../tooltip";

/** What may bind, in the order of price.cause_s. */
const causes = ["launch", "weight bytes", "math", "rows", "straggler"];

interface Cell {
  tokens: number;
  skew: number;
  seconds: number[]; // by cause
  binding: number; // index of the largest
  ratio: number; // time over balanced time
  total: number;
}

function cellsOf({ data, view }: Scene): Cell[] {
  return [...view.points].flatMap((point) => {
    const seconds = seriesOf(data, "price.cause_s", point)?.values;
    const tax = measured(data, "layer.imbalance_tax", point);
    const total = measured(data, "layer.total_s", point);
    const tokens = coordinate(data, "step.tokens", point);
    if (!seconds || !tax || !total || tokens === undefined) return [];
    return [{ tokens, skew: coordinate(data, "skew", point) ?? NaN, seconds, binding: seconds.indexOf(Math.max(...seconds)), ratio: 1 + tax.value, total: total.value }];
  });
}

const rising = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
const skewName = (skew: number) => (Number.isNaN(skew) ? "" : significant(skew));

/** Tokens by skew, coloured by what binds; the number is time over balanced time. */
export const regimeMap: Chart = {
  id: "regime-map",
  draw(scene) {
    const { look, hidden, spec } = scene;
    const cells = cellsOf(scene);
    const columns = rising(cells.map((cell) => cell.tokens));
    const rows = rising(cells.map((cell) => cell.skew)).reverse();
    const present = causes.map((_, cause) => cause).filter((cause) => cells.some((cell) => cell.binding === cause));
    const color = (cause: number) => look.series[cause]!;
    const fontSize = look.narrow ? 9 : 12;
    const place = (cell: Cell) => [columns.indexOf(cell.tokens), rows.indexOf(cell.skew)];
    const category = (name: string, names: string[], extra: object) => ({
      type: "category", name, data: names, nameTextStyle: { color: look.muted }, axisTick: { show: false }, axisLine: { show: false },
      axisLabel: { color: look.muted, hideOverlap: true }, splitLine: { show: false }, ...extra,
    });
    const bySkew = rows.map((skew) => {
      const up = cells.filter((cell) => cell.skew === skew && cell.ratio < 1).map((cell) => cell.tokens);
      return up.length ? `max/mean ${skewName(skew)}: balanced slower up to ${Math.max(...up)} tokens` : "";
    }).filter(Boolean);
    return {
      legend: present.map((cause) => ({ name: causes[cause]!, color: color(cause) })),
      height: rows.length * 54 + 96,
      summary: `${spec.title}. ${cells.length} cells; ${present.map((cause) => `${causes[cause]} binds ${cells.filter((cell) => cell.binding === cause).length}`).join(", ")}. ${bySkew.join("; ")}.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { seriesName: string; dataIndex: number }) => {
            const cell = cells.filter((one) => causes[one.binding] === hit.seriesName)[hit.dataIndex]!;
            const unit = displayUnit("s", cell.total);
            return tooltip(`${cell.tokens} tokens${Number.isNaN(cell.skew) ? "" : `, max/mean ${skewName(cell.skew)}`}`, [
              { name: "binds", value: causes[cell.binding]! },
              { name: "layer time", value: withUnit(cell.total, unit), detail: `${cell.ratio.toFixed(2)}x the balanced time, modelled` },
              ...causes.map((name, cause) => ({ name, value: withUnit(cell.seconds[cause]!, unit) })),
            ]);
          },
        },
        grid: { left: 8, right: 12, top: 30, bottom: 40, containLabel: true },
        xAxis: category("tokens a step", columns.map(String), { nameLocation: "middle", nameGap: 26 }),
        yAxis: category("max/mean load", rows.map(skewName), { inverse: true, nameLocation: "start", nameTextStyle: { color: look.muted, align: "left" } }),
        series: present.filter((cause) => !hidden.has(causes[cause]!)).map((cause) => {
          const own = cells.filter((cell) => cell.binding === cause);
          return {
            type: "custom", name: causes[cause], color: color(cause), encode: { x: 0, y: 1 },
            data: own.map(place),
            renderItem: (params: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
              const cell = own[params.dataIndex]!;
              const [x, y] = api.coord([api.value(0), api.value(1)]);
              const [width, height] = api.size!([1, 1]) as number[];
              const shape = { x: x! - width! / 2 + 1, y: y! - height! / 2 + 1, width: width! - 2, height: height! - 2, r: 3 };
              return {
                type: "group" as const,
                children: [
                  { type: "rect" as const, shape, style: { fill: color(cause), opacity: 0.22 } },
                  { type: "rect" as const, shape, style: { fill: "none", stroke: cell.ratio < 1 ? look.text : color(cause), lineWidth: cell.ratio < 1 ? 1.6 : 1, lineDash: cell.ratio < 1 ? [4, 3] : undefined } },
                  { type: "text" as const, style: { text: cell.ratio.toFixed(2), x: x!, y: y!, align: "center" as const, verticalAlign: "middle" as const, fill: look.text, fontSize } },
                ],
              };
            },
          };
        }),
      },
    };
  },
};
