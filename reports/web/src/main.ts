import { charts } from "./charts";
import { readData } from "./data";
import { Figure } from "./figure";
import { filterBar } from "./filters";
import { ChartTable } from "./table";
import { themeButton } from "./theme";
import type { Filters } from "./view";

declare global {
  interface Window {
    hotexpert: { figures: Record<string, Figure> };
  }
}

const data = readData();
const figures: Record<string, Figure> = {};
for (const spec of data.charts) {
  const module = charts.find((chart) => chart.id === spec.id);
  const section = document.getElementById(spec.id);
  if (module && section) figures[spec.id] = new Figure(section, module, spec, data);
}
window.hotexpert = { figures }; // for tests and the curious

const allPoints = document.querySelector<HTMLDetailsElement>("#points details.table");
const pointTable = allPoints ? new ChartTable(allPoints) : undefined;

function applyFilters(filters: Filters): void {
  for (const figure of Object.values(figures)) figure.filter(filters);
  const count = data.axisColumns[0]?.length ?? 0;
  const points = new Set<number>();
  for (let point = 0; point < count; ++point) {
    if ([...filters].every(([axis, value]) => data.axisColumns[axis]![point] === value)) points.add(point);
  }
  pointTable?.show(points);
}

if (data.axes.length > 0) document.getElementById("filters")!.append(filterBar(data, applyFilters));

const redraw = () => Object.values(figures).forEach((figure) => figure.draw());
themeButton(document.querySelector<HTMLButtonElement>("#theme")!, redraw);

let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  redraw();
});

const folded = () => document.querySelectorAll<HTMLDetailsElement>("details");
addEventListener("beforeprint", () => {
  folded().forEach((details) => (details.open = true));
  Object.values(figures).forEach((figure) => figure.toPaper()); // after the theme's redraw in light
});
addEventListener("afterprint", () => Object.values(figures).forEach((figure) => figure.fromPaper()));
