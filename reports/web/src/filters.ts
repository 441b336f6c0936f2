import type { ReportData } from "./data";
import { element } from "./tooltip";
import type { Filters } from "./view";

const automatic = "";
const unsaid = ["", "count", "ratio"]; // units that a number does not need

/** One choice an axis that varies. "each chart's own" leaves the axis to the chart: a line for each value, or its usual one. */
export function filterBar(data: ReportData, onChange: (filters: Filters) => void): HTMLElement {
  const bar = element("form", "", "filters");
  bar.setAttribute("aria-label", "Filters");
  const chosen: Filters = new Map();
  data.axes.forEach((axis, index) => {
    const label = element("label", axis.label || axis.name);
    label.title = axis.name;
    const select = element("select");
    select.dataset.axis = axis.name;
    select.append(new Option("auto", automatic));
    axis.text.forEach((text, value) => select.append(new Option(unsaid.includes(axis.unit) ? text : `${text} ${axis.unit}`, String(value))));
    select.addEventListener("change", () => {
      if (select.value === automatic) chosen.delete(index);
      else chosen.set(index, Number(select.value));
      onChange(new Map(chosen));
    });
    label.append(select);
    bar.append(label);
  });
  const reset = element("button", "Reset");
  reset.type = "reset";
  bar.addEventListener("reset", () => {
    chosen.clear();
    onChange(new Map());
  });
  bar.append(reset);
  return bar;
}
