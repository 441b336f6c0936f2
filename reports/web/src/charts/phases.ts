import { baseOption, bottomAxis, valueAxis, zoomX } from "../base_option";
import type { Chart } from "../chart";
import { measured } from "../data";
import { displayUnit, significant, withUnit } from "../format";
import { tooltip } from "../tooltip";

const phases = ["layer.route_s", "layer.permute_s", "layer.all_to_all_s", "layer.expert_ffn_s", "layer.combine_s"];

/** Stacked bars: each kernel at its lowest and its highest skew. */
export const phasesChart: Chart = {
  id: "phases",
  draw({ data, spec, view, look, hidden }) {
    const bars = view.lines.flatMap((line) => {
      const ends = [...new Set([line.points[0]!, line.points[line.points.length - 1]!])];
      return ends.map((point) => ({
        point,
        name: [line.label, `max/mean ${significant(measured(data, spec.x, point)!.value)}`].filter(Boolean).join(look.narrow ? "\n" : ", "),
      }));
    });
    const present = phases.filter((phase) => bars.some(({ point }) => measured(data, phase, point)));
    const longest = Math.max(0, ...bars.map(({ point }) => measured(data, "layer.total_s", point)!.value));
    const shown = displayUnit("s", longest);
    const legend = present.map((phase, i) => ({ name: data.metrics[phase]!.label, color: look.series[i]! }));
    return {
      legend,
      height: 70 + bars.length * (look.narrow ? 46 : 40),
      summary: `${spec.title}. Bars: ${bars.map((bar) => oneLine(bar.name)).join("; ")}. Phases: ${legend.map((entry) => entry.name).join(", ")}.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { dataIndex: number }) => {
            const { point, name } = bars[hit.dataIndex]!;
            const total = measured(data, "layer.total_s", point)!.value;
            return tooltip(oneLine(name), present.flatMap((phase) => {
              const time = measured(data, phase, point);
              if (!time) return [];
              const share = `${significant((100 * time.value) / total, 2)} % of the layer`;
              return [{ name: data.metrics[phase]!.label, value: withUnit(time.value, shown), detail: share }];
            }));
          },
        },
        grid: { left: 8, right: 24, top: 12, bottom: 28, containLabel: true },
        dataZoom: zoomX(),
        xAxis: bottomAxis(look, `time, ${shown.suffix}`, { scale: false, splitLine: { show: true, lineStyle: { color: look.line } } }),
        yAxis: valueAxis(look, "", { type: "category", inverse: true, data: bars.map((bar) => bar.name), axisLabel: { color: look.text, interval: 0 }, splitLine: { show: false } }),
        series: present.flatMap((phase, i) =>
          hidden.has(legend[i]!.name) ? [] : [{
            type: "bar",
            stack: "time",
            name: legend[i]!.name,
            color: look.series[i],
            barMaxWidth: 26,
            data: bars.map(({ point }) => {
              const time = measured(data, phase, point);
              return time ? time.value / shown.divisor : null;
            }),
          }]),
      },
    };
  },
};

const oneLine = (name: string) => name.replace("\n", ", ");
