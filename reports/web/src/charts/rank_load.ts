import type { Chart, Scene } from "../chart";
import { at, extent, measured, Series, seriesOf } from "../data";
import { drawHeatMap } from "./heat_map";

/** Rank load over its layer's mean, for the shown point that is best placed. */
function heatOf(id: string, name: string): Chart {
  const shown = ({ data, view }: Scene): Series | undefined => {
    const points = [...view.points].filter((point) => seriesOf(data, name, point));
    const load = (point: number) => measured(data, "rank.max_over_mean", point)?.value ?? 0;
    const best = points.reduce<number | undefined>((least, point) => (least === undefined || load(point) < load(least) ? point : least), undefined);
    return best === undefined ? undefined : seriesOf(data, name, best);
  };
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
  return {
    id,
    draw(scene) {
      const series = shown(scene);
      return drawHeatMap(scene, {
        rowName: "layer", columnName: "rank", valueName: "load over the mean",
        rows: numbers(series ? extent(series, "layer") : 0),
        columns: numbers(series ? extent(series, "rank") : 0),
        most: Math.max(2, ...(series?.values ?? [])), // an even load must look even
        value: (layer, rank) => at(series!, { layer, rank }),
      });
    },
    tableHead(scene) {
      const series = shown(scene);
      return ["layer", ...numbers(series ? extent(series, "rank") : 0).map((rank) => `rank ${rank}`)];
    },
    table(scene) {
      const series = shown(scene);
      if (!series) return [];
      const ranks = numbers(extent(series, "rank"));
      return numbers(extent(series, "layer")).map((row, layer) => [row, ...ranks.map((_, rank) => at(series, { layer, rank }).toFixed(2))]);
    },
  };
}

export const rankLoadBefore = heatOf("rank-load-before", "rank.load_contiguous");
export const rankLoadAfter = heatOf("rank-load-after", "rank.load");
