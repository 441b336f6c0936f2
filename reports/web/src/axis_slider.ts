import type { Scene } from "./chart";
import { coordinate, measured } from "./data";
import { displayUnit, significant, withUnit } from "./format";
import { element } from "./tooltip";

interface Slider {
  title: string;
  axis: string;
  metrics: string[];
}

/** Sliders by the id of the chart that they stand under. */
const sliders: Record<string, Slider> = {
  drops: { title: "What if the capacity factor were", axis: "capacity.factor", metrics: ["drop.assignment_fraction", "layer.total_s", "rows.padding_fraction"] },
  "balance-by-weight": { title: "What if the weight were", axis: "train.weight", metrics: ["train.max_vio", "load.max_over_mean", "train.task_loss"] },
  replicas: { title: "What if there were this many slots for copies", axis: "placement.slots", metrics: ["rank.max_over_mean", "layer.total_s", "layer.imbalance_tax"] },
  "rank-scaling": { title: "What if there were this many ranks", axis: "ep.ranks", metrics: ["rank.max_over_mean", "layer.total_s", "layer.imbalance_tax"] },
};

export function sliderOf(chart: string, scene: () => Scene): HTMLElement | undefined {
  const slider = sliders[chart];
  return slider && axisSlider(scene, slider.title, slider.axis, slider.metrics);
}

/** A slider along a numeric axis: what each line's metrics would be there, between its points by straight lines. */
function axisSlider(scene: () => Scene, title: string, axis: string, metrics: string[]): HTMLElement {
  const box = element("fieldset", "", "what-if");
  box.append(element("legend", title));
  const label = element("label", axis);
  const input = element("input");
  const value = element("span", "", "what-if-value");
  input.type = "range";
  input.min = "0";
  input.max = "1000";
  input.value = "250";
  label.append(value, input);
  const answer = element("output", "", "what-if-answer");
  answer.setAttribute("aria-live", "polite");
  box.append(label, answer);
  const update = () => {
    const now = scene();
    const places = now.data.axes.find((one) => one.name === axis)?.values.filter((one): one is number => one !== null) ?? [];
    box.hidden = places.length < 2;
    if (box.hidden) return;
    const x = position(Math.min(...places), Math.max(...places), Number(input.value) / 1000);
    value.textContent = significant(x);
    input.setAttribute("aria-valuetext", significant(x));
    answer.replaceChildren(...now.view.lines.flatMap((line) => {
      const said = metrics.flatMap((metric) => say(now, line.points, axis, metric, x));
      return said.length === 0 ? [] : [element("div", [line.label, said.join(", ")].filter(Boolean).join(": "))];
    }));
  };
  box.addEventListener("input", update);
  box.addEventListener("refresh", update);
  update();
  return box;
}

/** Weights and the like span decades: they are slid over on a logarithm. */
function position(low: number, high: number, share: number): number {
  return low > 0 && high / low > 50 ? low * (high / low) ** share : low + (high - low) * share;
}

/** By rising place; points at one place (seeds) give their mean. */
function means(points: [place: number, value: number][]): [number, number][] {
  const at = new Map<number, number[]>();
  for (const [place, value] of points) at.set(place, [...(at.get(place) ?? []), value]);
  return [...at].sort((a, b) => a[0] - b[0]).map(([place, values]) => [place, values.reduce((sum, one) => sum + one, 0) / values.length]);
}

function say({ data }: Scene, points: number[], axis: string, metric: string, x: number): string[] {
  const known = means(points.flatMap((point) => {
    const place = coordinate(data, axis, point);
    const value = measured(data, metric, point)?.value;
    return place === undefined || value === undefined ? [] : [[place, value] as [number, number]];
  }));
  const above = known.findIndex(([place]) => place >= x - 1e-12);
  if (known.length === 0 || above < 0) return [];
  const [highX, high] = known[above]!;
  const [lowX, low] = known[Math.max(0, above - 1)]!;
  if (x < lowX - 1e-12) return [];
  const share = highX > lowX ? (x - lowX) / (highX - lowX) : 1;
  const between = low + share * (high - low);
  const { label, unit } = data.metrics[metric]!;
  const shown = metric === "layer.imbalance_tax" ? "fraction" : unit; // as its own chart shows it
  return [`${label} ${withUnit(between, displayUnit(shown, Math.abs(between)))}`];
}
