import type { Chart, Scene } from "../chart";
import { coordinate, measured, Number95 } from "../data";
import { displayUnit, significant, withUnit } from "../format";
import { element } from "../tooltip";
import { drawPanels, Panel } from "./panels";
import { slider } from "../what_if";

const intervals = "95 % interval";

/** Time over balanced time and the price of one percent, over tokens, a line a skew. */
export const priceList: Chart = {
  id: "price-list",
  draw(scene) {
    const panel = (title: string, metric: string, yLabel: string, unit: string, shift: number): Panel => ({
      title, xLabel: "tokens a step", yLabel, unit, logX: true, intervals,
      lines: scene.view.lines.map((line, i) => ({
        name: line.label || "all", color: i, kind: "line" as const, dashed: true,
        points: line.points.flatMap((point) => {
          const x = coordinate(scene.data, "step.tokens", point);
          const y = measured(scene.data, metric, point);
          if (x === undefined || y === undefined) return [];
          const moved = (value: number | undefined) => (value === undefined ? undefined : value + shift);
          return [{ x, y: y.value + shift, low: moved(y.low), high: moved(y.high) }];
        }),
      })),
    });
    return drawPanels(scene, [
      panel("Time over balanced time", "layer.imbalance_tax", "time over balanced", "ratio", 1),
      panel("One more percent of max/mean", "layer.skew_price_s", "seconds a percent", "s", 0),
    ]);
  },
  controls: (scene) => priceControl(scene),
};

interface Priced {
  tokens: number;
  skew: number;
  total: Number95;
  price: Number95;
}

function pricedOf({ data, view }: Scene): Priced[] {
  return [...view.points].flatMap((point) => {
    const tokens = coordinate(data, "step.tokens", point);
    const skew = coordinate(data, "skew", point);
    const total = measured(data, "layer.total_s", point);
    const price = measured(data, "layer.skew_price_s", point);
    return tokens === undefined || skew === undefined || !total || !price ? [] : [{ tokens, skew, total, price }];
  });
}

/** Where a value lies between rising places, on a logarithm: the two neighbours and the share of the second. */
function between(places: number[], value: number): [number, number, number] {
  const above = Math.max(1, places.findIndex((place) => place >= value * (1 - 1e-9)));
  const [low, high] = [places[above - 1]!, places[above]!];
  return [low, high, Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low)))];
}

const rising = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);

/** A number of the price list at any tokens and skew, between its cells. */
export function interpolate(cells: Priced[], tokens: number, skew: number, value: (cell: Priced) => number): number {
  const [t0, t1, t] = between(rising(cells.map((cell) => cell.tokens)), tokens);
  const [s0, s1, s] = between(rising(cells.map((cell) => cell.skew)), skew);
  const at = (one: number, other: number) => value(cells.find((cell) => cell.tokens === one && cell.skew === other)!);
  return (1 - t) * ((1 - s) * at(t0, s0) + s * at(t0, s1)) + t * ((1 - s) * at(t1, s0) + s * at(t1, s1));
}

/** The largest error in elasticity among the devices: the interval of a saving holds for each of them. */
function elasticityError({ data }: Scene): number | undefined {
  const known = Object.values(data.devices).map((device) => device.held_out_elasticity_error);
  return known.length > 0 && known.every((error) => error > 0) ? Math.max(...known) : undefined;
}

/** Sliders over tokens and skew: the price there, and what balancing down to another skew would save. */
function priceControl(scene: () => Scene): HTMLElement {
  const box = element("fieldset", "", "what-if");
  box.append(element("legend", "What would balance be worth"));
  const cells = pricedOf(scene());
  const tokens = rising(cells.map((cell) => cell.tokens));
  const skews = rising(cells.map((cell) => cell.skew));
  box.hidden = tokens.length < 2 || skews.length < 2;
  if (box.hidden) return box;
  const log2 = Math.log2;
  const tokensNow = slider(box, "tokens a step", log2(tokens[0]!), log2(tokens[tokens.length - 1]!), 0.25, log2(tokens[tokens.length - 1]!), (value) => String(Math.round(2 ** value)));
  const skewNow = slider(box, "max/mean load", skews[0]!, skews[skews.length - 1]!, 0.1, skews[skews.length - 1]!);
  const target = slider(box, "balanced down to", skews[0]!, skews[skews.length - 1]!, 0.1, skews[0]!);
  const answer = element("output", "", "what-if-answer");
  answer.setAttribute("aria-live", "polite");
  box.append(answer);
  const update = () => {
    const shown = pricedOf(scene());
    const complete = rising(shown.map((cell) => cell.tokens)).length * rising(shown.map((cell) => cell.skew)).length === shown.length;
    if (shown.length < 4 || !complete) {
      answer.textContent = "Choose one device, kernel and number of ranks.";
      return;
    }
    const count = Math.round(2 ** tokensNow());
    const of = (skew: number, value: (cell: Priced) => number) => interpolate(shown, count, skew, value);
    const time = of(skewNow(), (cell) => cell.total.value);
    const saved = time - of(target(), (cell) => cell.total.value);
    const price = of(skewNow(), (cell) => cell.price.value);
    const known = shown.every((cell) => cell.price.low !== undefined && cell.price.high !== undefined);
    const priceError = known ? of(skewNow(), (cell) => (cell.price.high! - cell.price.low!) / 2) : undefined;
    const elasticity = elasticityError(scene());
    const savedError = elasticity === undefined ? undefined : time * elasticity * Math.abs(Math.log(skewNow() / target()));
    const seconds = (value: number, error: number | undefined) => {
      const unit = displayUnit("s", Math.max(Math.abs(value), error ?? 0));
      return error === undefined ? `${withUnit(value, unit)} (± unknown)` : `${significant(value / unit.divisor)} ± ${withUnit(error, unit)}`;
    };
    answer.textContent =
      `At ${count} tokens and max/mean ${significant(skewNow())} the layer takes ${withUnit(time, displayUnit("s", time))}; one more percent costs ${seconds(price, priceError)}. ` +
      `Balanced down to ${significant(target())} it saves ${seconds(saved, savedError)}. Modelled, between the cells by straight lines over logarithms.`;
  };
  box.addEventListener("input", update);
  box.addEventListener("refresh", update);
  update();
  return box;
}
