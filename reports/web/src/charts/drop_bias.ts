import type { Chart, Scene } from "../chart";
import { seriesOf } from "../data";
import { significant } from "../format";
import { drawCurves } from "./curves";

/** Dropped share over a place: tenths of the step, or the rank a token comes from; a line a policy. */
function biasChart(id: string, series: string, along: string, xLabel: string, x: (index: number) => number): Chart {
  const arrays = ({ data, view }: Scene) => view.lines.flatMap(({ label, points }) => {
    const array = seriesOf(data, series, points[0]!);
    return array ? [{ label, values: array.values }] : [];
  });
  const firstName = along === "decile" ? 1 : 0;
  return {
    id,
    draw: (scene) => drawCurves(scene, { series, along, xLabel, yLabel: "dropped assignments", x: (_, index) => x(index), startAtZero: true, wholeX: true }),
    tableHead: (scene) => [along === "decile" ? "tenth" : along, ...arrays(scene).map(({ label }) => (label ? `${label}, %` : "dropped, %"))],
    table(scene) {
      const all = arrays(scene);
      const places = Math.max(0, ...all.map(({ values }) => values.length));
      return Array.from({ length: places }, (_, i) => [String(i + firstName), ...all.map(({ values }) => (i < values.length ? significant(100 * values[i]!) : ""))]);
    },
  };
}

export const dropsByPosition = biasChart("drops-by-position", "drop.by_position", "decile", "place in the step, % of its tokens", (index) => 10 * index + 5);
export const dropsBySourceRank = biasChart("drops-by-source-rank", "drop.by_source_rank", "rank", "source rank", (index) => index);
