import { baseOption, bottomAxis, valueAxis, zoomX } from "../base_option";
import type { Chart, Scene } from "../chart";
import { measured, seriesOf } from "../data";
import { displayUnit, significant, withUnit } from "../format";
import { tooltip } from "../tooltip";
import { Bar, drawGantt } from "./gantt";
import { drawWaterfall, Step } from "./waterfall";

const unexplainedLimit = 0.1; // of the difference: above it the bar says its share
const coloured = 5; // experts with a colour of their own
const causes = [
  "worker", "token_rows", "row_padding", "capacity_padding", "weight_bytes", "tail_wave", "host_gaps", "movement", "all_to_all", "clock", "unexplained",
];

/** The profiled point: one run folder of `hotexpert profile` holds one. */
const shownPoint = ({ view }: Scene): number | undefined => view.lines[0]?.points[0];

function valuesOf(scene: Scene, name: string): number[] {
  const point = shownPoint(scene);
  return (point === undefined ? undefined : seriesOf(scene.data, name, point)?.values) ?? [];
}

interface Tile {
  worker: number;
  begin: number;
  seconds: number;
  expert: number;
  tokenRows: number;
  paddedRows: number;
  pass: string;
}

const passes = ["forward", "dgrad", "wgrad", "wgrad sums"]; // profile.tile_pass counts from 0

function tilesOf(scene: Scene): Tile[] {
  const [worker, begin, seconds, expert, tokenRows, paddedRows] =
    ["worker", "begin_s", "seconds", "expert", "token_rows", "padded_rows"].map((field) => valuesOf(scene, `profile.tile_${field}`)) as [number[], number[], number[], number[], number[], number[]];
  const pass = valuesOf(scene, "profile.tile_pass");
  return worker.map((_, i) => ({
    pass: passes[pass[i] ?? -1] ?? "",
    worker: worker[i]!, begin: begin[i]!, seconds: seconds[i]!, expert: expert[i]!, tokenRows: tokenRows[i] ?? 0, paddedRows: paddedRows[i] ?? 0,
  }));
}

/** The experts with the most time for rows of tokens, the longest first. */
function busiest(tiles: Tile[]): number[] {
  const time = new Map<number, number>();
  for (const tile of tiles) {
    const share = tile.tokenRows / Math.max(1, tile.tokenRows + tile.paddedRows);
    time.set(tile.expert, (time.get(tile.expert) ?? 0) + tile.seconds * share);
  }
  return [...time].sort((a, b) => b[1] - a[1]).map(([expert]) => expert);
}

export const profileTimeline: Chart = {
  id: "profile-timeline",
  draw(scene) {
    const tiles = tilesOf(scene);
    const named = new Set(busiest(tiles).slice(0, coloured));
    const workers = tiles.reduce((most, tile) => Math.max(most, tile.worker), -1) + 1;
    const bars: Bar[] = [];
    for (const tile of tiles) {
      const rows = tile.tokenRows + tile.paddedRows;
      const split = tile.begin + tile.seconds * (rows > 0 ? tile.tokenRows / rows : 1);
      const end = tile.begin + tile.seconds;
      const shared = {
        lane: tile.worker, name: `Expert ${tile.expert}`,
        detail: [{ name: "rows", value: `${tile.tokenRows} of tokens`, detail: tile.paddedRows > 0 ? `${tile.paddedRows} padded` : "" },
          ...(tile.pass === "" ? [] : [{ name: "pass", value: tile.pass, detail: "" }])],
      };
      if (split > tile.begin) bars.push({ ...shared, kind: named.has(tile.expert) ? `expert ${tile.expert}` : "other experts", start: tile.begin, end: split });
      if (end > split) bars.push({ ...shared, kind: "padded rows", start: split, end, hatched: true });
    }
    const order = (kind: string) => (kind === "padded rows" ? 2 : kind === "other experts" ? 1 : 0);
    bars.sort((a, b) => order(a.kind) - order(b.kind));
    return drawGantt(scene, Array.from({ length: workers }, (_, worker) => `worker ${worker}`), bars);
  },
};

export const profileLedger: Chart = {
  id: "profile-ledger",
  draw(scene) {
    const { data } = scene;
    const point = shownPoint(scene);
    const value = (name: string) => (point === undefined ? 0 : measured(data, name, point)?.value ?? 0);
    const difference = Math.abs(value("ledger.measured_s") - value("ledger.control_s"));
    const label = (name: string) => data.metrics[name]?.label ?? name;
    const steps: Step[] = [{ name: label("ledger.control_s"), value: value("ledger.control_s"), total: true }];
    const byExpert = valuesOf(scene, "ledger.by_expert_s");
    const large = byExpert.map((seconds, expert) => ({ seconds, expert })).filter(({ seconds }) => Math.abs(seconds) >= 0.05 * difference)
      .sort((a, b) => Math.abs(b.seconds) - Math.abs(a.seconds)).slice(0, 3);
    for (const { seconds, expert } of large) steps.push({ name: `expert ${expert}`, value: seconds });
    const others = value("ledger.expert_s") - large.reduce((sum, one) => sum + one.seconds, 0);
    const othersShown = Math.abs(others) >= 0.01 * difference;
    if (othersShown) steps.push({ name: large.length > 0 ? "other experts" : label("ledger.expert_s"), value: others });
    let small = othersShown ? 0 : others; // what a bar could not show; the table has it all
    for (const cause of causes) {
      const seconds = value(`ledger.${cause}_s`);
      const shown = Math.abs(seconds) >= 0.01 * difference || cause === "unexplained";
      if (!shown) small += seconds;
      else if (cause === "unexplained" && small !== 0) steps.push({ name: "causes below 1 %", value: small });
      const share = cause === "unexplained" && difference > 0 ? Math.abs(seconds) / difference : 0;
      const doubt = share > unexplainedLimit ? ` ${significant(100 * share, 2)} %` : "";
      if (shown) steps.push({ name: label(`ledger.${cause}_s`) + doubt, value: seconds });
    }
    steps.push({ name: label("ledger.measured_s"), value: value("ledger.measured_s"), total: true });
    return drawWaterfall(scene, "s", "layer time", steps);
  },
};

export const profileShare: Chart = {
  id: "profile-share",
  draw(scene) {
    const { spec, look, hidden } = scene;
    const time = valuesOf(scene, "profile.expert_share");
    const rows = valuesOf(scene, "profile.expert_rows");
    const all = rows.reduce((sum, count) => sum + count, 0);
    const bars = [
      { name: "share of rows", color: look.series[0]!, values: rows.map((count) => (all > 0 ? (100 * count) / all : 0)) },
      { name: "share of time", color: look.series[1]!, values: time.map((share) => 100 * share) },
    ];
    return {
      legend: bars.map(({ name, color }) => ({ name, color })),
      summary: `${spec.title}. ${time.map((share, expert) => `Expert ${expert}: ${withUnit(share, { divisor: 0.01, suffix: "%" })}`).join("; ")}.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { dataIndex: number }) =>
            tooltip(`Expert ${hit.dataIndex}`, [
              ...bars.map((bar) => ({ name: bar.name, value: `${significant(bar.values[hit.dataIndex]!)} %` })),
              { name: "rows", value: String(rows[hit.dataIndex]) },
            ]),
        },
        grid: { left: 8, right: 20, top: 36, bottom: 28, containLabel: true },
        dataZoom: zoomX(),
        xAxis: bottomAxis(look, "expert", { type: "category", data: time.map((_, expert) => String(expert)) }),
        yAxis: valueAxis(look, "share, %", { nameTextStyle: { color: look.muted, align: "left" } }),
        series: bars.filter((bar) => !hidden.has(bar.name)).map((bar) => ({ type: "bar", name: bar.name, color: bar.color, data: bar.values, barCategoryGap: "28%" })),
      },
    };
  },
};

export const profileRoofline: Chart = {
  id: "profile-roofline",
  draw(scene) {
    const { data, spec, view, look, hidden } = scene;
    const value = (name: string, point: number) => measured(data, name, point)?.value ?? NaN;
    const first = shownPoint(scene);
    const rate = first === undefined ? NaN : value("roof.flops_per_s", first);
    const bandwidth = first === undefined ? NaN : value("roof.bytes_per_s", first);
    const dots = view.lines.map((line, i) => ({
      name: line.label || "expert kernels", color: look.series[i % look.series.length]!,
      data: line.points.map((point) => [value("counter.intensity", point), value("kernel.flops_per_s", point)]),
    }));
    const xs = dots.flatMap((dot) => dot.data.map(([x]) => x!)).concat(rate / bandwidth).filter(Number.isFinite);
    const [low, high] = [Math.min(...xs) / 4, Math.max(...xs) * 4];
    const shown = displayUnit("flop/s", rate);
    const roof = [low, rate / bandwidth, high].map((x) => [x, Math.min(rate, x * bandwidth) / shown.divisor]);
    return {
      legend: [...dots.map(({ name, color }) => ({ name, color })), { name: "roof", color: look.muted, dashed: true }],
      summary: `${spec.title}. ${dots.map((dot) => `${dot.name}: ${dot.data.map(([x, y]) => `${withUnit(y!, shown)} at ${significant(x!)} flop per byte`).join(", ")}`).join("; ")}.`,
      option: {
        ...baseOption(look),
        tooltip: {
          ...baseOption(look).tooltip,
          formatter: (hit: { seriesName: string; value: [number, number] }) =>
            tooltip(hit.seriesName, [
              { name: "flop per byte", value: significant(hit.value[0]) },
              { name: "rate", value: `${significant(hit.value[1])} ${shown.suffix}` },
            ]),
        },
        grid: { left: 8, right: 20, top: 36, bottom: 28, containLabel: true },
        dataZoom: zoomX(),
        xAxis: bottomAxis(look, "flop per byte of device memory", { type: "log", min: low, max: high, axisLabel: { color: look.muted, hideOverlap: true, formatter: (x: number) => significant(x, 2) } }),
        yAxis: valueAxis(look, `rate, ${shown.suffix}`, { type: "log", nameTextStyle: { color: look.muted, align: "left" }, axisLabel: { color: look.muted, formatter: (y: number) => significant(y, 2) } }),
        series: [
          ...(hidden.has("roof") ? [] : [{ type: "line", name: "roof", color: look.muted, symbol: "none", lineStyle: { type: "dashed" }, data: roof }]),
          ...dots.filter((dot) => !hidden.has(dot.name)).map((dot) => ({
            type: "scatter", name: dot.name, color: dot.color, symbolSize: 12, data: dot.data.map(([x, y]) => [x, y! / shown.divisor]),
          })),
        ],
      },
    };
  },
};
