import { baseOption, roundUp, valueAxis } from "../base_option";
import type { Chart, Scene } from "../chart";
import { seriesOf } from "../data";
import { significant } from "../format";
import { tooltip } from "../tooltip";
import { whatIf } from "../what_if";

const skewed = "load.measured_batch";
const balanced = "load.balanced_batch";

export interface Loads {
  point: number;
  skewed: number[];
  balanced: number[];
}

/** The loads of the shown point with the most skew. */
export function mostSkewed({ data, view }: Scene): Loads | undefined {
  let best: Loads | undefined;
  let most = -1;
  for (const point of view.points) {
    const loads = seriesOf(data, skewed, point)?.values;
    const control = seriesOf(data, balanced, point)?.values;
    if (!loads || !control) continue;
    const skew = (Math.max(...loads) * loads.length) / sum(loads);
    if (skew > most) {
      most = skew;
      best = { point, skewed: loads, balanced: control };
    }
  }
  return best;
}

export const tokensPerExpert: Chart = {
  id: "tokens-per-expert",
  draw(scene) {
    const { look, hidden } = scene;
    const loads = mostSkewed(scene);
    const panels = loads
      ? [{ name: "skewed", values: loads.skewed, color: look.series[1]! }, { name: "balanced", values: loads.balanced, color: look.series[0]! }]
      : [];
    const shown = panels.filter((panel) => !hidden.has(panel.name));
    const top = Math.max(0, ...panels.flatMap((panel) => panel.values));
    const mean = loads ? sum(loads.skewed) / loads.skewed.length : 0;
    const skew = loads && mean > 0 ? Math.max(...loads.skewed) / mean : 0;
    const place = (index: number) =>
      look.narrow && shown.length > 1
        ? { left: 8, right: 16, top: index * 250 + 44, height: 170, containLabel: true }
        : { left: `${(index * 100) / shown.length + 1}%`, width: `${100 / shown.length - 3}%`, top: 44, bottom: 30, containLabel: true };
    const titleAt = (index: number) =>
      look.narrow && shown.length > 1
        ? { left: 8, top: index * 250 }
        : { left: `${(index * 100) / shown.length + 1}%`, top: 0 };
    const titles: Record<string, string> = { skewed: `Skewed: max/mean ${significant(skew)}`, balanced: "Balanced control" };
    return {
      height: look.narrow ? Math.max(1, shown.length) * 250 : 380,
      legend: panels.map(({ name, color }) => ({ name, color })),
      summary: `${scene.spec.title}. Skewed: ${loads?.skewed.join(", ") ?? "none"}. Balanced: ${loads?.balanced.join(", ") ?? "none"}.`,
      option: {
        ...baseOption(look),
        title: shown.map((panel, index) => ({ ...titleAt(index), text: titles[panel.name], textStyle: { fontSize: 13, fontWeight: 600, color: look.text } })),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { seriesName: string; name: string; value: number }) =>
            tooltip(`Expert ${hit.name}, ${hit.seriesName}`, [
              { name: "tokens", value: String(hit.value) },
              { name: "of the mean", value: `${significant(hit.value / mean)}x` },
            ]),
        },
        grid: shown.map((_, index) => place(index)),
        xAxis: shown.map((panel, index) => ({
          type: "category", gridIndex: index, name: "expert", nameLocation: "middle", nameGap: 26,
          nameTextStyle: { color: look.muted }, data: panel.values.map((_, expert) => String(expert)),
          axisLabel: { color: look.muted, hideOverlap: true }, axisTick: { show: false }, axisLine: { lineStyle: { color: look.muted } },
        })),
        yAxis: shown.map((_, index) => valueAxis(look, "tokens", { gridIndex: index, max: roundUp(top), nameTextStyle: { color: look.muted, align: "left" } })),
        dataZoom: [{ type: "inside", xAxisIndex: shown.map((_, index) => index), zoomOnMouseWheel: "ctrl", moveOnMouseMove: "shift", preventDefaultMouseMove: false }],
        series: shown.map((panel, index) => ({
          type: "bar", name: panel.name, xAxisIndex: index, yAxisIndex: index, data: panel.values, color: panel.color, barCategoryGap: "28%",
          itemStyle: { borderRadius: panel.values.length > 64 ? 0 : [3, 3, 0, 0] },
          markLine: {
            silent: true, symbol: "none", lineStyle: { color: look.text, type: "solid", width: 1 },
            label: { formatter: `mean ${significant(mean)}`, color: look.text, position: "insideEndTop" }, data: [{ yAxis: mean }],
          },
        })),
      },
    };
  },
  table(scene) {
    const loads = mostSkewed(scene);
    if (!loads) return [];
    const mean = sum(loads.skewed) / loads.skewed.length;
    return loads.skewed.map((load, expert) => [
      String(expert), String(load), String(loads.balanced[expert] ?? ""), mean > 0 ? (load / mean).toFixed(2) : "",
    ]);
  },
  controls: (scene) => whatIf(() => mostSkewed(scene())?.skewed),
};

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
