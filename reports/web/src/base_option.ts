import type { Look } from "./look";

/** What every chart shares: no animation, the page's type and colours, zoom without trapping the scroll. */
export function baseOption(look: Look) {
  return {
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif", color: look.text },
    tooltip: {
      confine: true,
      backgroundColor: look.surface,
      borderColor: look.line,
      textStyle: { color: look.text, fontSize: 13 },
      extraCssText: "box-shadow: 0 4px 16px rgba(0,0,0,.18)",
    },
  };
}

/** Zoom by pinch, by Ctrl and wheel, and by the buttons under the chart. */
export function zoomX(axes: number[] = [0]) {
  return [
    { type: "inside", xAxisIndex: axes, zoomOnMouseWheel: "ctrl", moveOnMouseMove: "shift", moveOnMouseWheel: false, preventDefaultMouseMove: false, filterMode: "none" },
  ];
}

/** The next round number: the common top of several panels. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return power * ([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((step) => step * power >= value * (1 - 1e-9)) ?? 10);
}

export function valueAxis(look: Look, name: string, extra: object = {}) {
  return {
    type: "value",
    name,
    nameTextStyle: { color: look.muted },
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: look.muted, hideOverlap: true },
    splitLine: { lineStyle: { color: look.line } },
    ...extra,
  };
}

export function bottomAxis(look: Look, name: string, extra: object = {}) {
  return {
    ...valueAxis(look, name),
    nameLocation: "middle",
    nameGap: 28,
    axisLine: { show: true, lineStyle: { color: look.muted } },
    splitLine: { show: false },
    scale: true,
    ...extra,
  };
}
