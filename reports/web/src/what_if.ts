import { significant } from "./format";
import { element } from "./tooltip";

/** Drops of a batch at a capacity factor: sum of max(0, load - C) over all, C = ceil(mean * factor). */
export function droppedShare(loads: number[], factor: number): number {
  const total = loads.reduce((sum, load) => sum + load, 0);
  const capacity = Math.ceil((total / loads.length) * factor - 1e-9);
  return total > 0 ? loads.reduce((sum, load) => sum + Math.max(0, load - capacity), 0) / total : 0;
}

/** Max/mean load of ranks: `extra` copies, each to the largest load a copy; then heaviest copy first to the lightest rank with room. */
export function rankSkew(loads: number[], ranks: number, extra: number): number {
  const copies = loads.map(() => 1);
  for (let i = 0; i < extra; ++i) {
    let hottest = 0;
    loads.forEach((load, expert) => {
      if (load / copies[expert]! > loads[hottest]! / copies[hottest]!) hottest = expert;
    });
    copies[hottest]! += 1;
  }
  const items = loads.flatMap((load, expert) => Array<number>(copies[expert]!).fill(load / copies[expert]!));
  const slots = Math.ceil(items.length / ranks);
  const bins = Array.from({ length: ranks }, () => ({ load: 0, items: 0 }));
  for (const item of items.sort((a, b) => b - a)) {
    const open = bins.filter((bin) => bin.items < slots);
    const lightest = open.reduce((best, bin) => (bin.load < best.load ? bin : best));
    lightest.load += item;
    lightest.items += 1;
  }
  const total = loads.reduce((sum, load) => sum + load, 0);
  return total > 0 ? (Math.max(...bins.map((bin) => bin.load)) * ranks) / total : 1;
}

/** Sliders that recompute drops and rank balance of the shown batch from its loads. */
export function whatIf(loadsNow: () => number[] | undefined): HTMLElement {
  const box = element("fieldset", "", "what-if");
  box.append(element("legend", "What if, for the skewed batch"));
  const experts = loadsNow()?.length ?? 1;
  const factor = slider(box, "capacity factor", 1, 4, 0.05, 1.25);
  const ranks = slider(box, "expert-parallel ranks", 1, Math.min(experts, 64), 1, Math.min(experts, 4));
  const replicas = slider(box, "extra replicas", 0, experts, 1, 0);
  const answer = element("output", "", "what-if-answer");
  answer.setAttribute("aria-live", "polite");
  box.append(answer);
  const update = () => {
    const loads = loadsNow();
    if (!loads) return;
    const dropped = droppedShare(loads, factor());
    answer.textContent =
      `Capacity factor ${factor().toFixed(2)} drops ${significant(100 * dropped, 2)} % of its assignments. ` +
      `Packed onto ${ranks()} ranks with ${replicas()} extra replicas, the busiest rank gets ${significant(rankSkew(loads, ranks(), replicas()))}x the mean.`;
  };
  box.addEventListener("input", update);
  box.addEventListener("refresh", update);
  update();
  return box;
}

export function slider(box: HTMLElement, name: string, min: number, max: number, step: number, value: number, say = (shown: number) => String(shown)): () => number {
  const label = element("label", name);
  const input = element("input");
  Object.assign(input, { type: "range", min: String(min), max: String(max), step: String(step), value: String(value) });
  const shown = element("span", say(Number(input.value)), "what-if-value");
  input.addEventListener("input", () => (shown.textContent = say(Number(input.value))));
  label.append(shown, input);
  box.append(label);
  return () => Number(input.value);
}
