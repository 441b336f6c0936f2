// What the program embeds in the page (reports/page_data.cpp). Texts are already safe to show.

export interface Axis {
  name: string;
  label: string;
  unit: string;
  values: (number | null)[]; // null: a word, see text
  text: string[];
}

export interface Column {
  value: (number | null)[];
  low?: (number | null)[];
  high?: (number | null)[];
  p50?: (number | null)[]; // over (step, layer); value is the mean
  p95?: (number | null)[];
  p99?: (number | null)[];
  max?: (number | null)[];
  provenance: string | string[]; // one for all points, or one a point
}

export const statistics = ["mean", "p50", "p95", "p99", "max"] as const;
export type Statistic = (typeof statistics)[number];

export interface ChartSpec {
  id: string;
  title: string;
  x: string; // a metric or an axis; "" when neither
  eligible: number[]; // points
  along: number[]; // axes x stands for
  lines: number[]; // axes that tell lines apart
  focus: [axis: number, value: number][];
}

export interface ReportData {
  title: string;
  axes: Axis[];
  axisColumns: number[][]; // for each axis a value index a point, -1 = absent
  metrics: Record<string, { label: string; unit: string }>;
  columns: Record<string, Column>;
  arrays: Series[];
  series: Record<string, Record<number, number>>; // name → point → position in arrays
  charts: ChartSpec[];
  devices: Record<string, DeviceModel>; // that the runs' modelled numbers come from
}

/** The cost model's coefficients of a device, as its file has them (sim/model/device_description.hpp). */
export interface DeviceModel {
  held_out_error: number; // 0: not known
  held_out_elasticity_error: number; // 95 % of |error| of d ln time / d ln (max/mean); 0: not known
  constants: Record<string, number>;
  uncertainty?: Record<string, number>; // half the 95 % interval of ln constant
}

/** An array of one point, as its section asked for it (reports/embedded_series.hpp). */
export interface Series {
  dims: string[]; // outermost first
  shape: number[];
  values: number[]; // row-major; NaN where the run has no finite number
  unit: string;
  provenance: string;
}

export function readData(): ReportData {
  const data = JSON.parse(document.getElementById("report-data")!.textContent!) as ReportData;
  for (const array of data.arrays) array.values = array.values.map((value) => value ?? NaN);
  return data;
}

/** The array of a point by its name in the page; undefined where it has none or it was left out. */
export function seriesOf(data: ReportData, name: string, point: number): Series | undefined {
  const array = data.series[name]?.[point];
  return array === undefined ? undefined : data.arrays[array];
}

/** Length of a dimension; 1 where the array does not have it. */
export function extent(series: Series, dim: string): number {
  const index = series.dims.indexOf(dim);
  return index < 0 ? 1 : series.shape[index]!;
}

/** The values at the given indices; dimensions that are not named are averaged over. */
export function at(series: Series, where: Record<string, number>): number {
  let sum = 0;
  let count = 0;
  const walk = (dim: number, offset: number): void => {
    if (dim === series.dims.length) {
      sum += series.values[offset]!;
      count += 1;
      return;
    }
    const fixed = where[series.dims[dim]!];
    const size = series.shape[dim]!;
    if (fixed !== undefined) walk(dim + 1, offset * size + fixed);
    else for (let i = 0; i < size; ++i) walk(dim + 1, offset * size + i);
  };
  walk(0, 0);
  return sum / count;
}

export interface Number95 {
  value: number;
  low?: number;
  high?: number;
  provenance: string;
}

/** A metric of a point; of a metric without percentiles every statistic is its value. */
export function measured(data: ReportData, metric: string, point: number, statistic: Statistic = "mean"): Number95 | undefined {
  const column = data.columns[metric];
  const percentile = statistic === "mean" ? undefined : column?.[statistic];
  const value = (percentile ?? column?.value)?.[point];
  if (column === undefined || value === null || value === undefined) return undefined;
  const { provenance } = column;
  if (percentile) return { value, provenance: typeof provenance === "string" ? provenance : provenance[point]! };
  return {
    value,
    low: column.low?.[point] ?? undefined,
    high: column.high?.[point] ?? undefined,
    provenance: typeof provenance === "string" ? provenance : provenance[point]!,
  };
}

/** The x coordinate of a point: the value of a metric or of a numeric axis. */
export function coordinate(data: ReportData, x: string, point: number): number | undefined {
  const found = measured(data, x, point);
  if (found) return found.value;
  const axis = data.axes.findIndex((candidate) => candidate.name === x);
  const value = axis < 0 ? undefined : data.axisColumns[axis]?.[point];
  return value === undefined || value < 0 ? undefined : data.axes[axis]!.values[value] ?? undefined;
}
