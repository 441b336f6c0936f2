// Colours and sizes of charts, read from the page's style so that light, dark and print agree.

export interface Look {
  text: string;
  muted: string;
  line: string;
  surface: string;
  accent: string;
  series: string[];
  heat: string[]; // from nothing to most
  narrow: boolean;
  width: number; // pixels
}

export function currentLook(width: number): Look {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: color("--text"),
    muted: color("--muted"),
    line: color("--line"),
    surface: color("--surface"),
    accent: color("--accent"),
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => color(`--series-${i}`)),
    heat: [0, 1, 2, 3, 4].map((i) => color(`--heat-${i}`)),
    narrow: width < 560,
    width,
  };
}

export const symbols = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow"];
