import { baseOption, bottomAxis, roundUp, valueAxis, zoomX } from "../base_option";
import type { Chart, LegendEntry } from "../chart";
import { coordinate, measured, ReportData } from "../data";
import { significant, withUnit } from "../format";
import { symbols } from "../look";
import { tooltip } from "../tooltip";

const percent = { divisor: 0.01, suffix: "%" };
const floorName = "uniform router (floor)";

/** One panel a step size on a common scale, a line a token order. */
export const dropsByOrder: Chart = {
  id: "drops-by-order",
  canLogY: true,
  draw({ data, spec, view, look, hidden, logY }) {
    const points = [...view.points];
    const panels = distinct(points.map((point) => text(data, "step.tokens", point)));
    const orders = distinct(points.map((point) => text(data, "trace.order", point) || "dropped assignments"));
    const legend: LegendEntry[] = orders.map((name, i) => ({ name, color: look.series[i % 8]! }));
    legend.push({ name: floorName, color: look.muted, dashed: true });

    const columns = look.narrow ? 1 : Math.min(panels.length, 3);
    const rows = Math.ceil(panels.length / columns);
    const rowHeight = look.narrow ? 280 : 340;
    const pick = (panel: string, order: string, metric: string) =>
      points
        .filter((point) => text(data, "step.tokens", point) === panel)
        .filter((point) => (text(data, "trace.order", point) || "dropped assignments") === order)
        .map((point) => [coordinate(data, spec.x, point)!, measured(data, metric, point)?.value])
        .filter((pair): pair is [number, number] => pair[1] !== undefined && !(logY && pair[1] <= 0))
        .map(([x, y]) => [x, y / percent.divisor])
        .sort((a, b) => a[0]! - b[0]!);

    const series: object[] = [];
    panels.forEach((panel, index) => {
      const where = { xAxisIndex: index, yAxisIndex: index, type: "line" };
      orders.forEach((order, i) => {
        if (hidden.has(order)) return;
        series.push({ ...where, name: order, color: look.series[i % 8], symbol: symbols[i], symbolSize: 8, data: pick(panel, order, "drop.assignment_fraction") });
      });
      if (!hidden.has(floorName)) {
        series.push({ ...where, name: floorName, color: look.muted, symbol: "none", lineStyle: { type: "dashed" }, data: pick(panel, orders[0]!, "drop.floor_fraction") });
      }
    });
    const largest = Math.max(0, ...points.map((point) => measured(data, "drop.assignment_fraction", point)!.value)) / percent.divisor;
    const cell = (index: number) => ({
      left: `${((index % columns) * 100) / columns + 1}%`,
      width: `${100 / columns - 3}%`,
      top: Math.floor(index / columns) * rowHeight + 48,
      height: rowHeight - 84,
      containLabel: true,
    });
    return {
      height: rows * rowHeight,
      legend,
      summary: `${spec.title}. One panel for each step size: ${panels.join(", ")} tokens.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { seriesName: string; value: [number, number] }) =>
            tooltip(hit.seriesName, [
              { name: "capacity factor", value: significant(hit.value[0]) },
              { name: "dropped", value: withUnit(hit.value[1] * percent.divisor, percent) },
            ]),
        },
        title: panels.map((panel, index) => ({
          text: panel ? `${panel} tokens a step` : "",
          left: `${((index % columns) * 100) / columns + 1}%`,
          top: Math.floor(index / columns) * rowHeight,
          textStyle: { fontSize: 13, fontWeight: 600, color: look.text },
        })),
        grid: panels.map((_, index) => cell(index)),
        dataZoom: zoomX(panels.map((_, index) => index)),
        xAxis: panels.map((_, index) => bottomAxis(look, "capacity factor", { gridIndex: index })),
        yAxis: panels.map((_, index) =>
          valueAxis(look, index % columns === 0 ? "dropped, %" : "", {
            gridIndex: index,
            type: logY ? "log" : "value",
            max: logY ? undefined : roundUp(largest),
            min: logY ? undefined : 0,
            nameTextStyle: { color: look.muted, align: "left" },
          })),
        series,
      },
    };
  },
};

function text(data: ReportData, axis: string, point: number): string {
  const index = data.axes.findIndex((candidate) => candidate.name === axis);
  const value = index < 0 ? -1 : data.axisColumns[index]![point]!;
  return value < 0 ? "" : data.axes[index]!.text[value]!;
}

function distinct(values: string[]): string[] {
  return [...new Set(values)];
}
