// Points of the router lab that differ in their seed only, as reports/sections/lab_groups.cpp groups them.
import type { Scene } from "../chart";
import { coordinate, measured, ReportData } from "../data";
import { displayUnit, significant } from "../format";

export interface LabGroup {
  line: number; // of the view: a method
  method: string;
  weight?: number;
  name: string; // "megatron 0.01"
  points: number[];
}

export interface SeedMean {
  value: number;
  low?: number; // 95 % over seeds
  high?: number;
}

/** Groups of the shown points, method by method, weights ascending. */
export function labGroups({ data, view }: Scene): LabGroup[] {
  return view.lines.flatMap((line, index) => {
    const byWeight = new Map<number | undefined, number[]>();
    for (const point of line.points) {
      const weight = coordinate(data, "train.weight", point);
      byWeight.set(weight, [...(byWeight.get(weight) ?? []), point]);
    }
    const method = line.label || "method";
    return [...byWeight]
      .sort(([a], [b]) => (a ?? -Infinity) - (b ?? -Infinity))
      .map(([weight, points]) => ({ line: index, method, weight, points, name: weight === undefined ? method : `${method} ${Number(weight.toPrecision(6))}` }));
  });
}

// Student's t, two-sided 95 %, 1 to 30 degrees of freedom.
const t95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
  2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

export function meanOf(values: number[]): SeedMean | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const value = values.reduce((sum, one) => sum + one, 0) / n;
  if (n < 3) return { value }; // the interval of two seeds says nothing
  const deviation = Math.sqrt(values.reduce((sum, one) => sum + (one - value) ** 2, 0) / (n - 1));
  const half = ((t95[n - 2] ?? 1.96) * deviation) / Math.sqrt(n);
  return { value, low: value - half, high: value + half };
}

const neverNegative = ["count", "s", "bytes", "loss", "nat", "norm", "fraction"];

/** The interval ends where the quantity ends, as reports/sections/lab_groups.cpp has it. */
export function seedMean(data: ReportData, group: LabGroup, metric: string): SeedMean | undefined {
  const mean = meanOf(group.points.flatMap((point) => measured(data, metric, point)?.value ?? []));
  if (mean?.low === undefined || mean.high === undefined) return mean;
  const unit = data.metrics[metric]!.unit;
  const least = metric === "load.max_over_mean" ? 1 : neverNegative.includes(unit) ? 0 : -Infinity;
  return { value: mean.value, low: Math.max(mean.low, least), high: unit === "fraction" ? Math.min(mean.high, 1) : mean.high };
}

/** "layer.total_s" gives its variants in the page: "layer.total_s@grouped", "layer.total_s@padded". */
export function variantsOf(data: ReportData, metric: string): string[] {
  return Object.keys(data.metrics).filter((name) => name.startsWith(`${metric}@`)).sort();
}

export const variantName = (metric: string) => metric.slice(metric.indexOf("@") + 1);

/** The rows that lab_table() of reports/sections/lab_groups.cpp writes, for the reader's filters. */
export function labRows(scene: Scene, metrics: string[]): string[][] {
  const groups = labGroups(scene);
  const rows = groups.map((group) => [group.method, group.weight === undefined ? "" : String(Number(group.weight.toPrecision(6))), String(group.points.length)]);
  for (const metric of metrics.filter((name) => name in scene.data.metrics)) {
    const means = groups.map((group) => seedMean(scene.data, group, metric));
    const shown = displayUnit(scene.data.metrics[metric]!.unit, Math.max(0, ...means.map((mean) => Math.abs(mean?.value ?? 0))));
    const text = (value: number) => significant(value / shown.divisor, 4);
    means.forEach((mean, i) => {
      rows[i]!.push(mean ? text(mean.value) : "", mean?.low !== undefined ? `${text(mean.low)} to ${text(mean.high!)}` : "");
    });
  }
  return rows;
}
