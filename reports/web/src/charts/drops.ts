import type { Chart } from "../chart";
import { drawLines } from "./lines";

export const drops: Chart = {
  id: "drops",
  canLogY: true,
  metric: "drop.assignment_fraction",
  draw: (scene) =>
    drawLines(scene, {
      y: "drop.assignment_fraction",
      xLabel: "capacity factor",
      yLabel: "dropped assignments",
      floor: { metric: "drop.floor_fraction", name: "uniform router (floor)" },
      startAtZero: true,
    }),
};
