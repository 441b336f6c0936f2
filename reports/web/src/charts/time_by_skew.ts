import type { Chart } from "../chart";
import { drawLines } from "./lines";

export const timeBySkew: Chart = {
  id: "time-by-skew",
  canLogY: true,
  draw: (scene) =>
    drawLines(scene, { y: "layer.total_s", xLabel: "max/mean load", yLabel: "layer time", startAtZero: true }),
};
