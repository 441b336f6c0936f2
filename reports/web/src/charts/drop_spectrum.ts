import type { Chart, Scene } from "../chart";
import { measured, Series, seriesOf } from "../data";
import { significant } from "../format";
import { Curve, drawCurveList } from "./curves";

const statistics = ["mean", "p50", "p95", "p99", "worst"]; // rows of drop.spectrum
const drawn = [["mean", "mean over steps"], ["p95", "exceeded by 5 % of steps"], ["worst", "worst step"]] as const;

interface Spectrum {
  label: string;
  rows: number[];
  factors: number[];
  shares: Series; // [statistic, capacity]
  floor: number[];
}

function spectra({ data, view }: Scene): Spectrum[] {
  return view.lines.flatMap(({ label, points }) => {
    const point = points[0]!;
    const rows = seriesOf(data, "drop.spectrum_rows", point)?.values;
    const shares = seriesOf(data, "drop.spectrum", point);
    const floor = seriesOf(data, "drop.spectrum_floor", point)?.values;
    const mean = measured(data, "load.mean", point)?.value;
    if (!rows || !shares || !floor || !mean) return [];
    return [{ label, rows, factors: rows.map((capacity) => capacity / mean), shares, floor }];
  });
}

const share = (spectrum: Spectrum, statistic: string, index: number) =>
  spectrum.shares.values[statistics.indexOf(statistic) * spectrum.rows.length + index]!;

/** One trace: mean, p95 and worst step. Several: the mean of each. The floor is dashed. */
export const dropSpectrum: Chart = {
  id: "drop-spectrum",
  canLogY: true,
  startsLogY: true,
  draw(scene) {
    const all = spectra(scene);
    const { look } = scene;
    const curve = (name: string, color: string, dashed: boolean, spectrum: Spectrum, y: (index: number) => number): Curve => ({
      name, color, dashed, unit: "fraction", data: spectrum.factors.map((x, i) => [x, y(i), y(i), y(i)]),
    });
    const observed = all.length === 1
      ? drawn.map(([key, name], i) => curve(name, look.series[i]!, false, all[0]!, (index) => share(all[0]!, key, index)))
      : all.map((one, i) => curve(one.label, look.series[i % look.series.length]!, false, one, (index) => share(one, "mean", index)));
    const floors = all.filter((one, i) => all.findIndex((other) => String(other.floor) === String(one.floor)) === i);
    const ideal = floors.map((one) =>
      curve(floors.length > 1 ? `uniform router: ${one.label}` : "uniform router (floor)", look.muted, true, one, (index) => one.floor[index]!));
    return drawCurveList(scene, [...observed, ...ideal], { xLabel: "capacity over mean load", yLabel: "dropped assignments", startAtZero: true, logFloor: 1e-6 });
  },
  table: (scene) =>
    spectra(scene).flatMap((one) =>
      one.rows.map((capacity, i) => [
        one.label, String(capacity), significant(one.factors[i]!, 4),
        ...statistics.map((statistic) => significant(100 * share(one, statistic, i), 4)), significant(100 * one.floor[i]!, 4),
      ])),
};
