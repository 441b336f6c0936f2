import { baseOption } from "../base_option";
import type { Chart, Scene } from "../chart";
import { measured, ReportData } from "../data";
import { significant } from "../format";
import { tooltip } from "../tooltip";

interface Entry {
  regime: string;
  metric: string;
  correlation: number;
  error: number;
}

function textOf(data: ReportData, axis: string, point: number): string {
  const index = data.axes.findIndex((one) => one.name === axis);
  const value = index < 0 ? -1 : data.axisColumns[index]![point]!;
  return value < 0 ? "" : data.axes[index]!.text[value]!;
}

function entriesOf({ data, view }: Scene): Entry[] {
  return [...view.points].flatMap((point) => {
    const correlation = measured(data, "league.rank_correlation", point);
    const error = measured(data, "league.held_out_error", point);
    return !correlation || !error ? [] : [{ regime: textOf(data, "league.regime", point) || "all", metric: textOf(data, "league.metric", point), correlation: correlation.value, error: error.value }];
  });
}

const rowHeight = 22;

/** A panel a regime, a bar a metric: its rank correlation with the time, best on top. */
export const metricLeague: Chart = {
  id: "metric-league",
  draw(scene) {
    const { look, spec } = scene;
    const entries = entriesOf(scene);
    const regimes = [...new Set(entries.map((entry) => entry.regime))];
    const tables = regimes.map((regime) => entries.filter((entry) => entry.regime === regime).sort((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation)));
    const columns = look.narrow ? 1 : Math.min(2, Math.max(1, regimes.length));
    const panelHeight = Math.max(1, ...tables.map((table) => table.length)) * rowHeight + 64;
    const left = (i: number) => `${((i % columns) * 100) / columns + 1}%`;
    const top = (i: number) => Math.floor(i / columns) * panelHeight;
    return {
      legend: [],
      height: Math.ceil(regimes.length / columns) * panelHeight + 10,
      summary: `${spec.title}. ${tables.map((table, i) => `${regimes[i]}: ${table[0]!.metric} first with ${significant(table[0]!.correlation, 2)}`).join("; ")}.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { seriesIndex: number; dataIndex: number }) => {
            const entry = tables[hit.seriesIndex]![hit.dataIndex]!;
            return tooltip(entry.metric, [
              { name: "regime", value: entry.regime },
              { name: "rank correlation", value: significant(entry.correlation, 2) },
              { name: "held-out error", value: `${significant(100 * entry.error, 2)} %`, detail: "median, of a line in the metric" },
            ]);
          },
        },
        title: regimes.map((regime, i) => ({ text: regime, left: left(i), top: top(i), textStyle: { fontSize: 13, fontWeight: 600, color: look.text } })),
        grid: regimes.map((_, i) => ({ left: left(i), width: `${100 / columns - 4}%`, top: top(i) + 28, height: (tables[i]!.length) * rowHeight, containLabel: true })),
        xAxis: regimes.map((_, i) => ({
          gridIndex: i, type: "value", min: -1, max: 1, interval: 0.5, axisLabel: { color: look.muted, hideOverlap: true }, splitLine: { lineStyle: { color: look.line } },
        })),
        yAxis: regimes.map((_, i) => ({
          gridIndex: i, type: "category", inverse: true, data: tables[i]!.map((entry) => entry.metric), axisTick: { show: false }, axisLine: { show: false },
          axisLabel: { color: look.text, interval: 0 },
        })),
        series: tables.map((table, i) => ({
          type: "bar", name: regimes[i], xAxisIndex: i, yAxisIndex: i, color: look.series[0], barWidth: "62%",
          data: table.map((entry) => entry.correlation),
        })),
      },
    };
  },
};
