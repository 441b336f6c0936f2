import type { Chart, Scene } from "../chart";
import { at, extent, measured, Series, seriesOf } from "../data";
import { drawHeatMap } from "./heat_map";

/** Load over the mean load, for the shown point of highest skew: a row an expert or a layer. */
function heatOf(id: string, name: string, rowDim: "step" | "layer"): Chart {
  const shown = ({ data, view }: Scene): Series | undefined => {
    const points = [...view.points].filter((point) => seriesOf(data, name, point));
    const skew = (point: number) => measured(data, "load.max_over_mean", point)?.value ?? 0;
    const most = points.reduce<number | undefined>((best, point) => (best === undefined || skew(point) > skew(best) ? point : best), undefined);
    return most === undefined ? undefined : seriesOf(data, name, most);
  };
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
  return {
    id,
    draw(scene) {
      const series = shown(scene);
      const outer = numbers(series ? extent(series, rowDim) : 0);
      const experts = numbers(series ? extent(series, "expert") : 0);
      const valueName = "load over the mean";
      // An even load must look even: the scale reaches at least twice the mean.
      const most = Math.max(2, ...(series?.values ?? []));
      // Steps run from left to right as time does; layers from top to bottom as tokens pass them.
      return rowDim === "step"
        ? drawHeatMap(scene, { rowName: "expert", columnName: "step", rows: experts, columns: outer, valueName, most, value: (expert, step) => at(series!, { step, expert }) })
        : drawHeatMap(scene, { rowName: "layer", columnName: "expert", rows: outer, columns: experts, valueName, most, value: (layer, expert) => at(series!, { layer, expert }) });
    },
    tableHead(scene) {
      const series = shown(scene);
      return [rowDim, ...numbers(series ? extent(series, "expert") : 0).map((expert) => `expert ${expert}`)];
    },
    table(scene) {
      const series = shown(scene);
      if (!series) return [];
      const experts = extent(series, "expert");
      return numbers(extent(series, rowDim)).map((row, i) => [row, ...numbers(experts).map((_, expert) => at(series, { [rowDim]: i, expert }).toFixed(2))]);
    },
  };
}

export const loadByStep = heatOf("load-by-step", "load.by_step", "step");
export const loadByLayer = heatOf("load-by-layer", "load.by_layer", "layer");
