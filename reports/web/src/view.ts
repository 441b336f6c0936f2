import { ChartSpec, coordinate, ReportData } from "./data";

/** Axis → chosen value; an axis that is absent is left to each chart. */
export type Filters = Map<number, number>;

export interface Line {
  label: string;
  points: number[]; // by rising x
}

export interface View {
  lines: Line[];
  points: Set<number>;
  focusText: string; // "capacity.factor none"
}

/** The same slice that the program takes (reports/view.cpp), with the reader's filters. */
export function makeView(data: ReportData, spec: ChartSpec, filters: Filters): View {
  const fixed = new Map(spec.focus);
  for (const [axis, value] of filters) fixed.set(axis, value);
  const points = spec.eligible.filter((point) =>
    [...fixed].every(([axis, value]) => data.axisColumns[axis]![point] === value),
  );
  const lines = new Map<string, Line>();
  for (const point of points) {
    const key = spec.lines.map((axis) => data.axisColumns[axis]![point]).join();
    if (!lines.has(key)) lines.set(key, { label: lineLabel(data, spec, point), points: [] });
    lines.get(key)!.points.push(point);
  }
  const x = (point: number) => coordinate(data, spec.x, point) ?? 0;
  for (const line of lines.values()) line.points.sort((a, b) => x(a) - x(b));
  return { lines: [...lines.values()], points: new Set(points), focusText: focusText(data, spec, fixed) };
}

function lineLabel(data: ReportData, spec: ChartSpec, point: number): string {
  const parts: string[] = [];
  for (const axis of spec.lines) {
    const value = data.axisColumns[axis]![point]!;
    if (value < 0) continue;
    const { name, values, text } = data.axes[axis]!;
    const isNumber = typeof values[value] === "number";
    parts.push((isNumber ? name.slice(name.indexOf(".") + 1) + " " : "") + text[value]);
  }
  return parts.join(", ");
}

function focusText(data: ReportData, spec: ChartSpec, fixed: Filters): string {
  const shown: string[] = [];
  for (const [axis, value] of fixed) {
    if (value < 0 || spec.lines.includes(axis)) continue;
    shown.push(`${data.axes[axis]!.name} ${data.axes[axis]!.text[value]}`);
  }
  return shown.join(" · ");
}
