import type { EChartsCoreOption } from "echarts/core";
import type { ChartSpec, ReportData, Statistic } from "./data";
import type { Look } from "./look";
import type { View } from "./view";

/** What a chart is drawn from. */
export interface Scene {
  data: ReportData;
  spec: ChartSpec;
  view: View;
  look: Look;
  hidden: Set<string>; // names switched off in the legend
  logY: boolean;
  statistic: Statistic;
}

export interface LegendEntry {
  name: string;
  color: string;
  dashed?: boolean;
  hatched?: boolean;
}

export interface Drawing {
  option: EChartsCoreOption;
  legend: LegendEntry[];
  height?: number; // pixels, where it follows from the data
  summary: string; // for readers who do not see the picture
}

/** A row of the list of charts: a later section is a file and a row. */
export interface Chart {
  id: string;
  canLogY?: boolean;
  metric?: string; // what is drawn: where it has percentiles, the reader chooses among them
  startsLogY?: boolean;
  draw(scene: Scene): Drawing;
  /** Cells of the table, where its rows are not points. */
  table?(scene: Scene): string[][];
  /** Titles of its columns, where they follow from the data. */
  tableHead?(scene: Scene): string[];
  /** Controls of the chart's own, put under it once. */
  controls?(scene: () => Scene): HTMLElement;
}
