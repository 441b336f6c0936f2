import type { Chart, Scene } from "../chart";
import { coordinate, extent, Series, seriesOf } from "../data";
import { significant } from "../format";
import { drawHeatMap } from "./heat_map";

interface Column {
  factor: number;
  series: Series; // [layer]
}

function columns({ data, spec, view }: Scene): Column[] {
  return (view.lines[0]?.points ?? []).flatMap((point) => {
    const factor = coordinate(data, spec.x, point);
    const series = seriesOf(data, "drop.by_layer", point);
    return factor === undefined || !series ? [] : [{ factor, series }];
  });
}

const layers = (all: Column[]) => Array.from({ length: Math.max(0, ...all.map(({ series }) => extent(series, "layer"))) }, (_, i) => String(i));

/** A row a layer, a column a capacity factor. */
export const dropsByLayer: Chart = {
  id: "drops-by-layer",
  draw(scene) {
    const all = columns(scene);
    return drawHeatMap(scene, {
      rowName: "layer", columnName: "capacity factor", rows: layers(all), columns: all.map(({ factor }) => String(factor)),
      valueName: "dropped assignments", shown: { divisor: 0.01, suffix: "%" }, value: (row, column) => all[column]!.series.values[row],
    });
  },
  tableHead: (scene) => ["layer", ...columns(scene).map(({ factor }) => `CF ${String(factor)}`)],
  table(scene) {
    const all = columns(scene);
    return layers(all).map((name, layer) => [name, ...all.map(({ series }) => significant(100 * (series.values[layer] ?? NaN)))]);
  },
};
