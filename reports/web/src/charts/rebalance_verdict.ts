import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from "echarts";
import { baseOption, valueAxis } from "../base_option";
import type { Chart, Scene } from "../chart";
import { coordinate, measured, Number95 } from "../data";
import { significant } from "../format";
import { tooltip } from "../tooltip";

interface Schedule {
  name: string; // "every 25 on 100"
  saved: number; // shares of the step time under contiguous placement
  charged: number;
  gain: Number95;
  asked: number;
}

function schedulesOf({ data, view }: Scene): Schedule[] {
  return [...view.points].flatMap((point) => {
    const of = (metric: string) => measured(data, metric, point)?.value;
    const gain = measured(data, "place.gain", point);
    const baseline = of("place.baseline_step_s");
    if (!gain || !baseline) return [];
    const interval = coordinate(data, "verdict.interval", point);
    const window = coordinate(data, "verdict.window", point);
    const when = interval === undefined ? "" : interval === 0 ? "once" : `every ${interval}`;
    return [{
      name: [when, window === undefined ? "" : `on ${window}`].filter(Boolean).join(" ") || "the schedule",
      saved: (of("place.saved_s") ?? 0) / baseline, charged: (of("place.charge_s") ?? 0) / baseline, gain, asked: of("place.min_gain") ?? 0,
    }];
  });
}

const percent = (share: number) => `${significant(100 * share, 3)} %`;
const [savedName, chargedName, netName] = ["saved by balance", "charged for moves", "net gain"];

/** For each schedule what balance saves, what moves cost, and the net gain with its interval. */
export const rebalanceVerdict: Chart = {
  id: "rebalance-verdict",
  draw(scene) {
    const { look, spec, hidden } = scene;
    const all = schedulesOf(scene);
    const names = all.map((one) => one.name);
    const bar = (name: string, color: string, value: (one: Schedule) => number) => ({
      type: "bar", name, color, stack: "step", barMaxWidth: 46, data: all.map((one) => 100 * value(one)), itemStyle: { opacity: 0.75 },
    });
    const net = look.series[3]!;
    // A schedule that moves far too often costs many steps each step: its bar ends at the edge, the tooltip has the number.
    const beyond = all.some((one) => one.charged > 1);
    const series: ({ name: string } & Record<string, unknown>)[] = [
      bar(savedName!, look.series[2]!, (one) => one.saved),
      bar(chargedName!, look.series[1]!, (one) => -one.charged),
      { type: "scatter", name: netName!, color: net, symbol: "diamond", symbolSize: 12, z: 4, data: all.map((one, i) => [i, 100 * one.gain.value]),
        markLine: { silent: true, symbol: "none", lineStyle: { color: look.muted, type: "dashed", width: 1.5 }, label: { color: look.muted, position: "insideEndTop", formatter: "asked for" }, data: all.length > 0 ? [{ yAxis: 100 * all[0]!.asked }] : [] } },
      { type: "custom", name: netName!, silent: true, z: 5, encode: { x: 0, y: [1, 2] },
        data: all.flatMap((one, i) => (one.gain.low === undefined ? [] : [[i, 100 * one.gain.low, 100 * one.gain.high!]])),
        renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
          const [x, low] = api.coord([api.value(0), api.value(1)]);
          const [, high] = api.coord([api.value(0), api.value(2)]);
          const stroke = (x1: number, y1: number, x2: number, y2: number) => ({ type: "line" as const, shape: { x1, y1, x2, y2 }, style: { stroke: net, lineWidth: 1.8 } });
          return { type: "group" as const, children: [stroke(x!, low!, x!, high!), stroke(x! - 6, low!, x! + 6, low!), stroke(x! - 6, high!, x! + 6, high!)] };
        } },
    ];
    const turned = look.narrow || all.length > 8; // labels stand on end, and the axis' name below them
    return {
      legend: [{ name: savedName!, color: look.series[2]! }, { name: chargedName!, color: look.series[1]! }, { name: netName!, color: net }],
      summary: `${spec.title}. ${all.map((one) => `planned ${one.name}: ${percent(one.saved)} saved, ${percent(one.charged)} charged, ${percent(one.gain.value)} net`).join("; ")}.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { dataIndex: number }) => {
            const one = all[hit.dataIndex]!;
            return tooltip(`planned ${one.name}`, [
              { name: savedName!, value: percent(one.saved) },
              { name: chargedName!, value: percent(one.charged) },
              { name: netName!, value: percent(one.gain.value), detail: one.gain.low === undefined ? "too few steps for an interval" : `95 % interval ${percent(one.gain.low)} to ${percent(one.gain.high!)}, modelled` },
            ]);
          },
        },
        grid: { left: 8, right: 16, top: 40, bottom: 30, containLabel: true },
        xAxis: { type: "category", data: names, name: "planned, on steps before", nameLocation: "middle", nameGap: turned ? 104 : 30, nameTextStyle: { color: look.muted }, axisTick: { show: false }, axisLine: { lineStyle: { color: look.muted } }, axisLabel: { color: look.muted, interval: 0, rotate: turned ? 60 : 0 } },
        yAxis: valueAxis(look, "share of the step, %", { nameTextStyle: { color: look.muted, align: "left" }, min: beyond ? -100 : undefined }),
        series: series.filter((one) => !hidden.has(one.name)),
      },
    };
  },
};
