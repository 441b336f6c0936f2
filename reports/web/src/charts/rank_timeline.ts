import type { Chart, Scene } from "../chart";
import { measured, seriesOf } from "../data";
import { significant } from "../format";
import { Bar, drawGantt } from "./gantt";

const mostLanes = 64;

interface Rank {
  rank: number;
  rows: number;
  ffn: number;
  total: number;
  dispatch: number;
  back: number;
  modelled: boolean; // dispatch and back
}

const network = (rank: Rank) => (rank.modelled ? "network, modelled" : "network");

/** The ranks of the shown point with the largest imbalance tax. */
function ranksOf({ data, view }: Scene): Rank[] {
  const tax = (point: number) => measured(data, "layer.imbalance_tax", point)?.value ?? -1;
  const points = [...view.points].filter((point) => seriesOf(data, "rank_total_s", point));
  const most = points.reduce<number | undefined>((best, point) => (best === undefined || tax(point) > tax(best) ? point : best), undefined);
  if (most === undefined) return [];
  const values = (name: string) => seriesOf(data, name, most)?.values ?? [];
  const [rows, ffn, dispatch, back] = [values("rank_rows"), values("rank_ffn_s"), values("rank_dispatch_s"), values("rank_return_s")];
  const modelled = seriesOf(data, "rank_dispatch_s", most)?.provenance === "modelled";
  return values("rank_total_s").map((total, rank) => ({
    modelled,
    rank, total, rows: rows[rank] ?? 0, ffn: ffn[rank] ?? 0, dispatch: dispatch[rank] ?? 0, back: back[rank] ?? 0,
  }));
}

export const rankTimeline: Chart = {
  id: "rank-timeline",
  draw(scene) {
    const all = ranksOf(scene);
    // Of many ranks the slowest are shown: the others only wait.
    const shown = all.length > mostLanes ? [...all].sort((a, b) => b.total - a.total).slice(0, mostLanes) : all;
    const arrived = Math.max(0, ...all.map((one) => one.dispatch));
    const done = arrived + Math.max(0, ...all.map((one) => one.total));
    const bars = shown.flatMap((one, lane): Bar[] => {
      const name = `rank ${one.rank}`;
      const detail = [{ name: "rows", value: significant(one.rows, 6) }];
      return [
        { lane, kind: "compute", start: arrived, end: arrived + one.total, name, detail },
        { lane, kind: "wait", start: arrived + one.total, end: done, name, detail },
        { lane, kind: network(one), hatched: one.modelled, start: 0, end: one.dispatch, name: `${name}: dispatch`, detail },
        { lane, kind: network(one), hatched: one.modelled, start: done, end: done + one.back, name: `${name}: return`, detail },
      ].filter((bar) => bar.end > bar.start);
    });
    return drawGantt(scene, shown.map((one) => `rank ${one.rank}`), bars);
  },
  table(scene) {
    const all = ranksOf(scene);
    const longest = Math.max(0, ...all.map((one) => one.total));
    const ms = (seconds: number) => significant(seconds * 1e3, 4);
    return all.slice(0, 500).map((one) => [
      String(one.rank), significant(one.rows, 6), ms(one.ffn), ms(one.total), ms(longest - one.total), ms(one.dispatch), ms(one.back),
    ]);
  },
};
