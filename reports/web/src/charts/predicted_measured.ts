import type { Chart, Scene } from "../chart";
import { seriesOf } from "../data";
import { drawPanels, Panel, PanelLine } from "./panels";

const diagonal = "predicted = measured";

/** Each measured pass against what the law said; a second panel where shapes were left out of the fit. */
export const predictedMeasured: Chart = {
  id: "predicted-measured",
  canLogY: true,
  startsLogY: true,
  draw(scene) {
    const heldOut = [...scene.view.points].some((point) => seriesOf(scene.data, "fit.held_out_s", point));
    const panels = [panelOf(scene, heldOut ? "Fitted to these passes" : "As the device file has it", "fit.predicted_s")];
    if (heldOut) panels.push(panelOf(scene, "Shape left out of the fit", "fit.held_out_s"));
    return drawPanels(scene, panels);
  },
};

function panelOf(scene: Scene, title: string, predicted: string): Panel {
  const lines = scene.view.lines.map((line, i): PanelLine => ({
    name: line.label || "passes", color: i, kind: "points", size: 5,
    points: line.points.flatMap((point) => {
      const y = seriesOf(scene.data, predicted, point)?.values ?? [];
      const x = seriesOf(scene.data, "fit.measured_s", point)?.values ?? [];
      const tokens = seriesOf(scene.data, "fit.tokens", point)?.values ?? [];
      return y.map((value, row) => ({ x: x[row]!, y: value, label: [line.label, `${tokens[row]} tokens`].filter(Boolean).join(", ") }));
    }),
  }));
  const all = lines.flatMap((line) => line.points.flatMap((point) => [point.x, point.y])).filter((value) => value > 0);
  const ends = all.length > 0 ? [Math.min(...all), Math.max(...all)] : [];
  return {
    title, xLabel: "measured", yLabel: "predicted", unit: "s", xUnit: "s", logX: true,
    lines: [...lines, { name: diagonal, color: lines.length, kind: "curve", dashed: true, points: ends.map((end) => ({ x: end, y: end })) }],
  };
}
