import { baseOption } from "../base_option";
import type { Drawing, Scene } from "../chart";
import { DisplayUnit, significant, withUnit } from "../format";
import { tooltip } from "../tooltip";

/** A grid of cells: rows from top to bottom, columns from left to right. */
export interface HeatMap {
  rowName: string; // "layer"
  columnName: string; // "expert"
  rows: string[];
  columns: string[];
  value(row: number, column: number): number | undefined; // undefined: an empty cell
  valueName: string; // "load over its mean"
  shown?: DisplayUnit;
  most?: number; // where the colour is full; left out: the largest value
  least?: number; // left out: 0
  detail?(row: number, column: number): string; // a further line of the tooltip
}

const rowHeights = [4, 22] as const;

export function drawHeatMap({ spec, look }: Scene, map: HeatMap): Drawing {
  const shown = map.shown ?? { divisor: 1, suffix: "" };
  const cells: [number, number, number][] = [];
  let largest = map.least ?? 0;
  let where = "";
  map.rows.forEach((rowName, row) => map.columns.forEach((columnName, column) => {
    const value = map.value(row, column);
    if (value === undefined || !Number.isFinite(value)) return;
    cells.push([column, row, value / shown.divisor]);
    if (value / shown.divisor > largest) {
      largest = value / shown.divisor;
      where = `${map.rowName} ${rowName}, ${map.columnName} ${columnName}`;
    }
  }));
  const rowHeight = Math.min(rowHeights[1], Math.max(rowHeights[0], 420 / Math.max(1, map.rows.length)));
  const plot = Math.max(120, rowHeight * map.rows.length);
  const category = (name: string, data: string[], extra: object) => ({
    type: "category", name, data, nameTextStyle: { color: look.muted }, axisTick: { show: false }, axisLine: { show: false },
    axisLabel: { color: look.muted, hideOverlap: true }, splitArea: { show: false }, ...extra,
  });
  return {
    legend: [],
    height: plot + 92,
    summary: `${spec.title}. ${map.valueName} by ${map.rowName} and ${map.columnName}. Largest: ${significant(largest)} at ${where}.`,
    option: {
      ...baseOption(look),
      tooltip: {
        ...baseOption(look).tooltip,
        formatter: (hit: { value: [number, number, number] }) => {
          const [column, row, value] = hit.value;
          return tooltip(`${map.rowName} ${map.rows[row]}, ${map.columnName} ${map.columns[column]}`, [
            { name: map.valueName, value: withUnit(value * shown.divisor, shown), detail: map.detail?.(row, column) },
          ]);
        },
      },
      grid: { left: 8, right: 16, top: 40, height: plot, containLabel: true },
      xAxis: category(map.columnName, map.columns, { nameLocation: "middle", nameGap: 26 }),
      yAxis: category(map.rowName, map.rows, { inverse: true, nameLocation: "start", nameTextStyle: { color: look.muted, align: "left" } }),
      dataZoom: [{ type: "inside", xAxisIndex: 0, zoomOnMouseWheel: "ctrl", moveOnMouseMove: "shift", moveOnMouseWheel: false, preventDefaultMouseMove: false }],
      visualMap: {
        type: "continuous", min: map.least ?? 0, max: map.most ?? (largest || 1), calculable: false, orient: "horizontal", right: 8, top: 0,
        itemHeight: 110, itemWidth: 12, text: [significant(map.most ?? largest), significant(map.least ?? 0)], textStyle: { color: look.muted },
        inRange: { color: look.heat },
      },
      series: [{ type: "heatmap", name: map.valueName, data: cells, progressive: 0, emphasis: { itemStyle: { borderColor: look.text, borderWidth: 1 } } }],
    },
  };
}
