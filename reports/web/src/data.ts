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
  provenance: string | string[]; // one for all points, or one a point
}

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
  series: Record<string, Record<string, number[]>>; // point → metric → values
  charts: ChartSpec[];
}

export function readData(): ReportData {
  return JSON.parse(document.getElementById("report-data")!.textContent!) as ReportData;
}

export interface Number95 {
  value: number;
  low?: number;
  high?: number;
  provenance: string;
}

export function measured(data: ReportData, metric: string, point: number): Number95 | undefined {
  const column = data.columns[metric];
  const value = column?.value[point];
  if (column === undefined || value === null || value === undefined) return undefined;
  const { provenance } = column;
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
