import type { Chart } from "../chart";
import { drawLines } from "./lines";

export const placementGain: Chart = {
  id: "placement-gain",
  draw(scene) {
    const step = scene.data.columns["layer.step_s"] ? "layer.step_s" : "layer.total_s";
    return drawLines(scene, { y: step, xLabel: "max/mean rank load", yLabel: "step time", startAtZero: true });
  },
};

export const replicas: Chart = {
  id: "replicas",
  draw: (scene) => drawLines(scene, { y: "rank.max_over_mean", xLabel: "expert slots", yLabel: "max/mean rank load" }),
};

export const rankScaling: Chart = {
  id: "rank-scaling",
  canLogY: true,
  draw(scene) {
    const metrics = { ...scene.data.metrics, "layer.imbalance_tax": { label: "imbalance tax", unit: "fraction" } };
    return drawLines(
      { ...scene, data: { ...scene.data, metrics } },
      { y: "layer.imbalance_tax", xLabel: "ranks", yLabel: "time above the balanced control", logX: true },
    );
  },
};
