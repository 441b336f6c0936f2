import type { EChartsCoreOption } from "echarts/core";
import type { Drawing } from "./chart";
import { echarts } from "./echarts";
import type { Look } from "./look";

const width = 960;
const leastHeight = 540;

/** The chart with its title, as an SVG document or a PNG of twice the size, as a file to keep. */
export function savePicture(kind: "svg" | "png", id: string, title: string, { option, height }: Drawing, look: Look): void {
  const chart = echarts.init(kind === "svg" ? null : document.createElement("div"), null, {
    renderer: kind === "svg" ? "svg" : "canvas", ssr: kind === "svg", width, height: Math.max(leastHeight, (height ?? 0) + 48),
  });
  chart.setOption({ ...option, backgroundColor: look.surface, title: [...titlesBelow(option), heading(title, look)], grid: shifted(option) });
  const link = document.createElement("a");
  link.download = `${id}.${kind}`;
  link.href = kind === "svg"
    ? `data:image/svg+xml;charset=utf-8,${encodeURIComponent(chart.renderToSVGString())}`
    : chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: look.surface });
  link.click();
  chart.dispose();
}

function heading(text: string, look: Look) {
  return { text, left: 12, top: 10, textStyle: { fontSize: 16, color: look.text } };
}

type Placed = { top?: number | string };

const list = (value: unknown) => (Array.isArray(value) ? value : value ? [value] : []) as Placed[];
const lower = (top: number | string | undefined) => (typeof top === "number" ? top + 36 : top === "0%" ? 36 : top);

function titlesBelow(option: EChartsCoreOption) {
  return list(option.title).map((title) => ({ ...title, top: lower(title.top) }));
}

function shifted(option: EChartsCoreOption) {
  return list(option.grid).map((grid) => ({ ...grid, top: lower(grid.top) }));
}
