import type { Chart, Scene } from "../chart";
import { LabGroup, labGroups, labRows, seedMean } from "./lab_groups";
import { drawPanels, Panel, PanelLine } from "./panels";

const wanted = 1.3; // max/mean load that reports/sections/balance_by_weight.cpp calls balanced

/** Max/mean load and task loss against the weight, a line a method; methods without one as dashed levels. */
export const balanceByWeight: Chart = {
  id: "balance-by-weight",
  canLogY: true,
  draw(scene) {
    const groups = labGroups(scene);
    const panel = (title: string, metric: string): Panel => ({
      title, yLabel: title.toLowerCase(), xLabel: "weight", unit: scene.data.metrics[metric]!.unit, logX: true,
      lines: linesOf(scene, groups, metric),
      marks: metric === "load.max_over_mean" ? [{ y: wanted, label: `wanted: ${wanted}` }] : [],
    });
    return drawPanels(scene, [panel("Max/mean load", "load.max_over_mean"), panel("Task loss", "train.task_loss")]);
  },
  table: (scene) =>
    labRows(scene, [
      "load.max_over_mean", "train.max_vio", "train.task_loss", "load.dead_experts", "train.starved_share", "train.specialization_share",
      "train.output_similarity", "train.grad_norm_ratio", "train.balance_to_task_gradient", "train.loss_hacked_share", "train.router_entropy",
      "drop.assignment_fraction@1.25", "drop.floor_fraction@1.25",
    ]),
};

function linesOf(scene: Scene, groups: LabGroup[], metric: string): PanelLine[] {
  const weights = groups.flatMap((group) => (group.weight !== undefined && group.weight > 0 ? [group.weight] : []));
  const span = [Math.min(...weights), Math.max(...weights)];
  return scene.view.lines.flatMap((_, line): PanelLine[] => {
    const own = groups.filter((group) => group.line === line);
    const level = own.find((group) => group.weight === undefined);
    const dots = own.flatMap((group) => {
      const mean = seedMean(scene.data, group, metric);
      return mean && group.weight !== undefined && group.weight > 0 ? [{ x: group.weight, y: mean.value, low: mean.low, high: mean.high, label: group.name }] : [];
    });
    if (dots.length > 0) return [{ name: own[0]!.method, color: line, kind: "line", points: dots }];
    const mean = level && seedMean(scene.data, level, metric);
    if (!mean || weights.length === 0) return [];
    const ends = span[0] === span[1] ? [span[0]! / 2, span[0]! * 2] : span;
    return [{ name: level.method, color: line, kind: "curve", dashed: true, points: ends.map((x) => ({ x, y: mean.value, low: mean.low, high: mean.high })) }];
  });
}
