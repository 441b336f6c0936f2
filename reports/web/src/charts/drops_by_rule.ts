import type { Chart } from "../chart";
import { drawLines } from "./lines";

export const dropsByRule: Chart = {
  id: "drops-by-rule",
  canLogY: true,
  draw: (scene) =>
    drawLines(scene, { y: "drop.assignment_fraction", xLabel: "capacity factor", yLabel: "dropped assignments", startAtZero: true }),
};

export const neededFactor: Chart = {
  id: "needed-factor",
  draw: (scene) => drawLines(scene, { y: "capacity.needed_factor", xLabel: "layer", yLabel: "needed capacity factor", startAtZero: true }),
};
