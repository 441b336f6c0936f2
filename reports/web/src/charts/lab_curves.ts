import type { Chart, Scene } from "../chart";
import { at, extent, ReportData, seriesOf } from "../data";
import { LabGroup, labGroups, labRows, meanOf, seedMean, variantName, variantsOf } from "./lab_groups";
import { drawPanels, Panel, PanelLine, PanelPoint } from "./panels";

/** Each method at the weight of its lowest task loss. */
function bestGroups(scene: Scene): LabGroup[] {
  const loss = (group: LabGroup) => seedMean(scene.data, group, "train.task_loss")?.value ?? Infinity;
  const groups = labGroups(scene);
  return scene.view.lines.flatMap((_, line) => {
    const own = groups.filter((group) => group.line === line);
    return own.length === 0 ? [] : [own.reduce((best, group) => (loss(group) < loss(best) ? group : best))];
  });
}

/** Mean over seeds at each step, with the range over seeds. */
function stepCurve(data: ReportData, group: LabGroup, name: string): PanelPoint[] {
  const seeds = group.points.flatMap((point) => seriesOf(data, name, point) ?? []);
  const steps = group.points.flatMap((point) => seriesOf(data, "curve.step", point) ?? [])[0];
  if (seeds.length === 0 || !steps) return [];
  return steps.values.map((x, i) => {
    const values = seeds.map((one) => one.values[i] ?? NaN).filter(Number.isFinite);
    const band = values.length > 1 ? { low: Math.min(...values), high: Math.max(...values) } : {};
    return { x, y: meanOf(values)?.value ?? NaN, ...band };
  });
}

function stepPanel(scene: Scene, title: string, series: string, yLabel: string, unit: string): Panel {
  return {
    title, yLabel, unit, xLabel: "step",
    lines: bestGroups(scene).map((group): PanelLine => ({ name: group.name, color: group.line, kind: "curve", points: stepCurve(scene.data, group, series) })),
  };
}

export const trainingCurves: Chart = {
  id: "training-curves",
  canLogY: true,
  draw: (scene) =>
    drawPanels(scene, [
      stepPanel(scene, "Task loss of the training steps", "curve.task_loss", "task loss", "loss"),
      { ...stepPanel(scene, "Load of the hottest expert", "curve.max_over_mean", "max/mean load", "ratio"), marks: [{ y: 1, label: "balanced" }] },
    ]),
  table: (scene) =>
    labRows(scene, ["train.end_loss", "train.max_vio", "train.reach_step", "train.settle_step", "train.overshoot", "train.load_cycle", "train.bias_cycle", "train.drop_fraction"]),
};

export const collapse: Chart = {
  id: "collapse",
  draw(scene) {
    const share = (title: string, series: string) => stepPanel(scene, title, series, "share", "fraction");
    const loss = stepPanel(scene, "Its tokens' loss over all others'", "curve.hottest_loss", "ratio", "ratio");
    for (const [i, group] of bestGroups(scene).entries()) {
      const others = stepCurve(scene.data, group, "curve.other_loss");
      loss.lines[i]!.points = loss.lines[i]!.points.map(({ x, y }, step) => ({ x, y: y / others[step]!.y }));
    }
    loss.marks = [{ y: 1, label: "as the others" }];
    return drawPanels(scene, [
      share("Share of the tokens of the hottest expert", "curve.hottest_share"),
      share("Its share of the gradient", "curve.hottest_gradient_share"),
      loss,
      stepPanel(scene, "Experts without a token", "curve.idle_experts", "experts", "count"),
    ]);
  },
  table: (scene) =>
    labRows(scene, [
      "train.hottest_share", "train.hottest_gradient_share", "load.max_over_mean", "load.effective_experts", "load.dead_experts", "train.starved_share",
      "train.starved_grad_norm", "train.overloaded_grad_norm", "train.starved_grad_cv", "train.overloaded_grad_cv",
    ]),
};

/** Loss over layer time of one seed: its wall-clock differs from another's, so seeds are not averaged. */
function wallCurve(data: ReportData, point: number, kernel: number): PanelPoint[] {
  const loss = seriesOf(data, "curve.task_loss", point);
  const wall = seriesOf(data, "curve.wall_s", point);
  if (!loss || !wall || kernel >= extent(wall, "kernel")) return [];
  return loss.values.map((y, step) => ({ x: at(wall, { kernel, step }), y }));
}

export const timeToQuality: Chart = {
  id: "time-to-quality",
  canLogY: true,
  draw: (scene) =>
    drawPanels(scene, variantsOf(scene.data, "train.wall_s").map((metric, kernel) => ({
      title: `Kernel ${variantName(metric)}`, yLabel: "training loss", unit: "loss", xLabel: "layer time", xUnit: "s",
      lines: bestGroups(scene).map((group): PanelLine => ({ name: group.name, color: group.line, kind: "curve", dashed: true, points: wallCurve(scene.data, group.points[0]!, kernel) })),
    }))),
};
