import type { EChartsType } from "echarts/core";
import { sliderOf } from "./axis_slider";
import type { Chart, Drawing, LegendEntry, Scene } from "./chart";
import { ChartSpec, ReportData, Statistic, statistics } from "./data";
import { echarts } from "./echarts";
import { currentLook } from "./look";
import { savePicture } from "./picture";
import { ChartTable, copyText } from "./table";
import { element } from "./tooltip";
import { Filters, makeView } from "./view";

/** One section of the page: its chart, legend, buttons and table. */
export class Figure {
  readonly chart: EChartsType;
  private readonly canvas: HTMLElement;
  private readonly legend = element("div", "", "legend");
  private readonly note = element("p", "", "slice");
  private readonly hidden = new Set<string>();
  private readonly table: ChartTable;
  private readonly extra: HTMLElement | undefined;
  private statistic: Statistic = "mean";
  private logY: boolean;
  private filters: Filters = new Map();
  private drawing!: Drawing;
  private tipLine = 0;
  private tipPoint = -1;

  constructor(section: HTMLElement, private readonly module: Chart, private readonly spec: ChartSpec, private readonly data: ReportData) {
    this.logY = module.startsLogY ?? false;
    this.canvas = section.querySelector<HTMLElement>(".chart")!;
    this.table = new ChartTable(section.querySelector("details.table")!);
    this.canvas.before(this.note, this.legend);
    this.canvas.after(this.toolbar());
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.chart = echarts.init(this.canvas);
    this.draw();
    this.extra = module.controls?.(() => this.scene()) ?? sliderOf(spec.id, () => this.scene());
    if (this.extra) section.querySelector("details.table")!.before(this.extra);
  }

  filter(filters: Filters): void {
    this.filters = filters;
    this.draw();
    this.extra?.dispatchEvent(new Event("refresh"));
  }

  draw(): void {
    const scene = this.scene();
    this.drawing = this.module.draw(scene);
    if (this.drawing.height) this.canvas.style.height = `${this.drawing.height}px`;
    this.chart.resize();
    this.chart.setOption(this.drawing.option, { notMerge: true });
    const empty = scene.view.points.size === 0;
    this.note.textContent = empty ? "No point matches the filters." : scene.view.focusText && `Shown: ${scene.view.focusText}`;
    this.canvas.setAttribute("aria-label", `${this.drawing.summary} Arrow keys show values, + and - zoom, 0 resets.`);
    this.legend.replaceChildren(...this.drawing.legend.map((entry, i) => this.legendButton(entry, i)));
    const rows = this.module.table?.(scene);
    if (rows) this.table.fill(rows, this.module.tableHead?.(scene));
    else this.table.show(scene.view.points);
  }

  /** One flat picture for the printer, which loses the layers of a chart and does not scale them. */
  toPaper(): void {
    const picture = this.chart.renderToCanvas({ pixelRatio: 2 });
    picture.removeAttribute("style"); // it comes placed like a layer
    picture.className = "paper";
    this.fromPaper();
    this.canvas.after(picture);
  }

  fromPaper(): void {
    if (this.canvas.nextElementSibling?.matches("canvas.paper")) this.canvas.nextElementSibling.remove();
  }

  private scene(): Scene {
    return {
      data: this.data, spec: this.spec, view: makeView(this.data, this.spec, this.filters),
      look: currentLook(this.canvas.clientWidth), hidden: this.hidden, logY: this.logY, statistic: this.statistic,
    };
  }

  private legendButton(entry: LegendEntry, i: number): HTMLButtonElement {
    const button = element("button", "", "legend-entry");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!this.hidden.has(entry.name)));
    const swatch = element("span", "", `swatch${entry.dashed ? " dashed" : ""}${entry.hatched ? " hatched" : ""}`);
    swatch.style.setProperty("--swatch", entry.color);
    button.append(swatch, element("span", entry.name));
    button.addEventListener("click", () => {
      if (!this.hidden.delete(entry.name)) this.hidden.add(entry.name);
      this.draw();
      this.legend.querySelectorAll("button")[i]?.focus();
    });
    return button;
  }

  private toolbar(): HTMLElement {
    const bar = element("div", "", "toolbar");
    const add = (text: string, label: string, action: (button: HTMLButtonElement) => void) => {
      const button = element("button", text);
      button.type = "button";
      button.title = label;
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => action(button));
      bar.append(button);
      return button;
    };
    if (this.module.canLogY) {
      add("Log scale", "Logarithmic vertical axis", (button) => {
        this.logY = !this.logY;
        button.setAttribute("aria-pressed", String(this.logY));
        this.draw();
      }).setAttribute("aria-pressed", String(this.logY));
    }
    if (this.module.metric && this.data.columns[this.module.metric]?.p95) bar.append(this.statisticChoice());
    add("+", "Zoom in", () => this.zoom(0.5));
    add("−", "Zoom out", () => this.zoom(2));
    add("Reset", "Reset zoom", () => this.zoom(Infinity));
    add("Copy table", "Copy the table as tab-separated text", async (button) => {
      const done = await copyText(this.table.asText());
      button.textContent = done ? "Copied" : "Could not copy";
      setTimeout(() => (button.textContent = "Copy table"), 1500);
    });
    for (const kind of ["svg", "png"] as const) {
      add(kind.toUpperCase(), `Save the chart as ${kind.toUpperCase()}`, () =>
        savePicture(kind, this.spec.id, this.spec.title, this.drawing, currentLook(960)));
    }
    return bar;
  }

  private statisticChoice(): HTMLElement {
    const select = element("select");
    select.setAttribute("aria-label", "Statistic over steps and layers");
    select.title = "Statistic over steps and layers";
    for (const name of statistics) select.append(new Option(name, name));
    select.addEventListener("change", () => {
      this.statistic = select.value as Statistic;
      this.draw();
    });
    return select;
  }

  private zoom(factor: number): void {
    const zoom = (this.chart.getOption().dataZoom as { start: number; end: number }[] | undefined)?.[0];
    if (!zoom) return;
    const middle = (zoom.start + zoom.end) / 2;
    const half = Math.min(50, ((zoom.end - zoom.start) / 2) * factor);
    const start = Math.min(Math.max(0, middle - half), 100 - 2 * half);
    this.chart.dispatchAction({ type: "dataZoom", start, end: start + 2 * half });
  }

  /** Arrows walk through the points of a line and from line to line. */
  private onKey(event: KeyboardEvent): void {
    const keys: Record<string, () => void> = {
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), "0": () => this.zoom(Infinity),
      ArrowRight: () => this.showTip(0, 1), ArrowLeft: () => this.showTip(0, -1),
      ArrowDown: () => this.showTip(1, 0), ArrowUp: () => this.showTip(-1, 0),
      Escape: () => this.chart.dispatchAction({ type: "hideTip" }),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  private showTip(lineStep: number, pointStep: number): void {
    const series = this.chart.getOption().series as { silent?: boolean; data: unknown[] }[];
    const lines = series.flatMap((one, index) => (one.silent ? [] : [{ index, length: one.data.length }]));
    if (lines.length === 0) return;
    this.tipLine = (this.tipLine + lineStep + lines.length) % lines.length;
    const { index, length } = lines[this.tipLine]!;
    this.tipPoint = Math.min(Math.max(0, this.tipPoint + pointStep), length - 1);
    this.chart.dispatchAction({ type: "showTip", seriesIndex: index, dataIndex: this.tipPoint });
  }
}
