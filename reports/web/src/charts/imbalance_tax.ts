import type { Chart } from "../chart";
import { drawLines } from "./lines";

export const imbalanceTax: Chart = {
  id: "imbalance-tax",
  draw(scene) {
    // A ratio is read as a percentage here: 210 % more time than the balanced control.
    const metrics = { ...scene.data.metrics, "layer.imbalance_tax": { label: "imbalance tax", unit: "fraction" } };
    return drawLines(
      { ...scene, data: { ...scene.data, metrics } },
      { y: "layer.imbalance_tax", xLabel: "max/mean load", yLabel: "time above the balanced control" },
    );
  },
};
