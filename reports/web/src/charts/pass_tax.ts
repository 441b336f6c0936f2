import type { Chart } from "../chart";
import { drawLines } from "./lines";

export const passTax: Chart = {
  id: "pass-tax",
  draw(scene) {
    // A ratio is read as a percentage here, as in the imbalance tax.
    const metrics = { ...scene.data.metrics, "layer.wgrad_tax": { label: "imbalance tax, wgrad", unit: "fraction" } };
    return drawLines(
      { ...scene, data: { ...scene.data, metrics } },
      { y: "layer.wgrad_tax", xLabel: "max/mean load", yLabel: "wgrad above the balanced control" },
    );
  },
};
