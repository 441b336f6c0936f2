import type { Chart, Scene } from "../chart";
import { LabGroup, labGroups, labRows, seedMean, variantName, variantsOf } from "./lab_groups";
import { drawPanels, Panel } from "./panels";

const kernels = ({ data }: Scene) => variantsOf(data, "layer.total_s");

/** Task loss over max/mean load, and layer time over max/mean load for each kernel: a point a method at one weight. */
export const pareto: Chart = {
  id: "pareto",
  canLogY: true,
  draw(scene) {
    const groups = labGroups(scene);
    const panels = [panelOf(scene, groups, "Task loss against balance", "train.task_loss", "task loss", false)];
    for (const metric of kernels(scene)) {
      panels.push(panelOf(scene, groups, `Layer time against balance: ${variantName(metric)}`, metric, "layer time", true));
    }
    return drawPanels(scene, panels);
  },
  table: (scene) => labRows(scene, ["load.max_over_mean", "train.task_loss", ...kernels(scene), ...variantsOf(scene.data, "layer.imbalance_tax")]),
};

function panelOf(scene: Scene, groups: LabGroup[], title: string, metric: string, yLabel: string, startAtZero: boolean): Panel {
  return {
    title, yLabel, xLabel: "max/mean load", unit: scene.data.metrics[metric]!.unit, startAtZero,
    lines: scene.view.lines.map((_, line) => {
      const own = groups.filter((group) => group.line === line);
      return {
        name: own[0]?.method ?? "", color: line, kind: "points" as const,
        points: own.flatMap((group) => {
          const skew = seedMean(scene.data, group, "load.max_over_mean");
          const mean = seedMean(scene.data, group, metric);
          return skew && mean ? [{ x: skew.value, xLow: skew.low, xHigh: skew.high, y: mean.value, low: mean.low, high: mean.high, label: group.name }] : [];
        }),
      };
    }),
  };
}
