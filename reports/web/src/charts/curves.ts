import { baseOption, bottomAxis, valueAxis, zoomX } from "../base_option";
import type { Drawing, LegendEntry, Scene } from "../chart";
import { extent, Series, seriesOf } from "../data";
import { displayUnit, significant, withUnit } from "../format";
import { tooltip } from "../tooltip";

export interface CurveLabels {
  xLabel: string;
  yLabel: string;
  startAtZero?: boolean;
  logFloor?: number; // least value that a logarithmic axis shows
  wholeX?: boolean; // x counts something
}

export interface Curves extends CurveLabels {
  series: string; // name in the page
  along: string; // the dimension that is x: "step"
  x?(series: Series, index: number): number; // left out: the index
}

export interface Curve {
  name: string;
  color: string;
  dashed: boolean;
  unit: string;
  data: [x: number, y: number, low: number, high: number][];
}

/** A curve for each line of the view over a dimension of a series; further dimensions (layers) give the mean, with a band from least to most. */
export function drawCurves(scene: Scene, curves: Curves): Drawing {
  const { data, spec, view, look } = scene;
  const all: Curve[] = view.lines.flatMap((line, i) => {
    const point = line.points.find((one) => seriesOf(data, curves.series, one));
    if (point === undefined) return [];
    const series = seriesOf(data, curves.series, point)!;
    return [{
      name: line.label || spec.title,
      color: look.series[i % look.series.length]!,
      dashed: series.provenance === "modelled" || series.provenance === "expected",
      unit: series.unit,
      data: range(series, curves.along).map((y, index): Curve["data"][number] => [curves.x?.(series, index) ?? index, ...y]),
    }];
  });
  return drawCurveList(scene, all, curves);
}

/** Curves that a chart made itself, with its own names and colours. */
export function drawCurveList(scene: Scene, all: Curve[], curves: CurveLabels): Drawing {
  const { spec, look, hidden, logY } = scene;
  const shown = displayUnit(all[0]?.unit ?? "", Math.max(0, ...all.flatMap((curve) => curve.data.map((one) => Math.abs(one[1])).filter(Number.isFinite))));
  const visible = all.filter((curve) => !hidden.has(curve.name));
  const least = curves.logFloor ?? 0;
  const place = (value: number) => (!Number.isFinite(value) || (logY && (value <= 0 || value < least)) ? null : value / shown.divisor);
  const legend: LegendEntry[] = all.map(({ name, color, dashed }) => ({ name, color, dashed }));
  return {
    legend,
    summary: `${spec.title}. ${visible.map((curve) => `${curve.name}: from ${said(curve.data[0])} to ${said(curve.data[curve.data.length - 1])}`).join("; ")}.`,
    option: {
      ...baseOption(look),
      tooltip: {
        ...baseOption(look).tooltip,
        formatter: (hit: { seriesName: string; dataIndex: number }) => {
          const one = visible.find((curve) => curve.name === hit.seriesName)!.data[hit.dataIndex]!;
          return tooltip(hit.seriesName, [
            { name: curves.xLabel, value: significant(one[0]) },
            { name: curves.yLabel, value: withUnit(one[1], shown), detail: one[2] < one[3] ? `from ${withUnit(one[2], shown)} to ${withUnit(one[3], shown)}` : undefined },
          ]);
        },
      },
      grid: { left: 8, right: 20, top: 36, bottom: 28, containLabel: true },
      dataZoom: zoomX(),
      xAxis: bottomAxis(look, curves.xLabel, curves.wholeX ? { minInterval: 1 } : {}),
      yAxis: valueAxis(look, shown.suffix ? `${curves.yLabel}, ${shown.suffix}` : curves.yLabel, {
        type: logY ? "log" : "value", min: logY ? (least > 0 ? least / shown.divisor : undefined) : curves.startAtZero ? 0 : undefined,
        nameTextStyle: { color: look.muted, align: "left" },
        axisLabel: { color: look.muted, hideOverlap: true, formatter: (value: number) => String(Number(value.toPrecision(4))) },
      }),
      series: visible.flatMap((curve) => [
        {
          type: "line", name: curve.name, color: curve.color, symbol: "none", sampling: "lttb", lineStyle: { width: 2, type: curve.dashed ? "dashed" : "solid" },
          data: curve.data.map((one) => [one[0], place(one[1])]),
        },
        ...band(curve, place),
      ]),
    },
  };

  function said(one: Curve["data"][number] | undefined): string {
    return one ? `${withUnit(one[1], shown)} at ${significant(one[0])}` : "nothing";
  }
}

/** Mean, least and most over all other dimensions, for each index along one. */
function range(series: Series, along: string): [mean: number, least: number, most: number][] {
  const dim = series.dims.indexOf(along);
  const inner = series.shape.slice(dim + 1).reduce((product, size) => product * size, 1);
  const size = extent(series, along);
  const out = Array.from({ length: size }, () => ({ sum: 0, count: 0, least: Infinity, most: -Infinity }));
  series.values.forEach((value, offset) => {
    const one = out[Math.floor(offset / inner) % size]!;
    one.sum += value;
    one.count += 1;
    one.least = Math.min(one.least, value);
    one.most = Math.max(one.most, value);
  });
  return out.map((one) => [one.sum / one.count, one.least, one.most]);
}

function band(curve: Curve, place: (value: number) => number | null): object[] {
  if (curve.data.every((one) => !(one[2] < one[3]))) return [];
  const edge = (pick: (one: Curve["data"][number]) => number | null, extra: object) => ({
    type: "line", name: curve.name, color: curve.color, symbol: "none", silent: true, stack: `band ${curve.name}`, lineStyle: { width: 0 },
    data: curve.data.map((one) => [one[0], pick(one)]), ...extra,
  });
  return [
    edge((one) => place(one[2]), {}),
    edge((one) => {
      const [least, most] = [place(one[2]), place(one[3])];
      return least === null || most === null ? null : most - least;
    }, { areaStyle: { color: curve.color, opacity: 0.14 } }),
  ];
}
