import { baseOption, valueAxis } from "../base_option";
import type { Drawing, Scene } from "../chart";
import { displayUnit, withUnit } from "../format";
import { tooltip } from "../tooltip";

export interface Step {
  name: string;
  value: number; // added to what came before; of a total: the whole
  total?: boolean;
  dashed?: boolean; // modelled
  detail?: string;
}

/** From a first total through what adds to it to the last: where a difference comes from. */
export function drawWaterfall(scene: Scene, unit: string, yLabel: string, steps: Step[]): Drawing {
  const { spec, look } = scene;
  let level = 0;
  const bars = steps.map((step) => {
    const from = step.total ? 0 : level;
    level = step.total ? step.value : level + step.value;
    return { ...step, low: Math.min(from, level), size: Math.abs(level - from) };
  });
  const shown = displayUnit(unit, bars.reduce((most, bar) => Math.max(most, bar.low + bar.size), 0));
  const color = (bar: Step) => (bar.total ? look.series[5]! : bar.value < 0 ? look.series[2]! : look.series[1]!);
  return {
    legend: [],
    summary: `${spec.title}. ${steps.map((step) => `${step.name}: ${withUnit(step.value, shown)}`).join("; ")}.`,
    option: {
      ...baseOption(look),
      tooltip: {
        ...baseOption(look).tooltip,
        formatter: (hit: { dataIndex: number }) => {
          const bar = bars[hit.dataIndex]!;
          return tooltip(bar.name, [{ name: bar.total ? "in all" : "adds", value: withUnit(bar.value, shown), detail: bar.detail }]);
        },
      },
      grid: { left: 8, right: 20, top: 36, bottom: 8, containLabel: true },
      xAxis: { type: "category", data: bars.map((bar) => bar.name), axisTick: { show: false }, axisLine: { lineStyle: { color: look.muted } }, axisLabel: { color: look.text, interval: 0, lineHeight: 14, rotate: look.narrow ? 60 : 0, width: look.narrow ? 140 : 110, overflow: look.narrow ? "truncate" : "break" } },
      yAxis: valueAxis(look, shown.suffix ? `${yLabel}, ${shown.suffix}` : yLabel, { nameTextStyle: { color: look.muted, align: "left" } }),
      series: [
        { type: "bar", stack: "level", name: "below", silent: true, itemStyle: { color: "transparent" }, data: bars.map((bar) => bar.low / shown.divisor) },
        {
          type: "bar", stack: "level", name: yLabel, barMaxWidth: 56, label: { show: !look.narrow, position: "top", color: look.text, formatter: (hit: { dataIndex: number }) => withUnit(bars[hit.dataIndex]!.value, shown) },
          data: bars.map((bar) => ({
            value: bar.size / shown.divisor,
            itemStyle: bar.dashed ? { color: "transparent", borderColor: color(bar), borderType: "dashed", borderWidth: 2 } : { color: color(bar) },
          })),
        },
      ],
    },
  };
}
