// Numbers as reports/number_format.cpp writes them.

type Scale = [divisor: number, suffix: string];

const scales: Record<string, Scale[]> = {
  s: [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]],
  bytes: [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]],
  "flop/s": [[1e12, "Tflop/s"], [1e9, "Gflop/s"], [1e6, "Mflop/s"], [1, "flop/s"]],
  fraction: [[0.01, "%"]],
  nat: [[1, "nat"]],
};

export interface DisplayUnit {
  divisor: number;
  suffix: string;
}

/** The unit that shows `largest` with one to three digits before the point. */
export function displayUnit(unit: string, largest: number): DisplayUnit {
  const known = scales[unit] ?? [[1, ""]];
  const [divisor, suffix] = known.find(([d]) => Math.abs(largest) >= d) ?? known[known.length - 1]!;
  return { divisor, suffix };
}

export function significant(value: number, digits = 3): string {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude < 1e-6 || magnitude >= 1e15) return value.toExponential(digits - 1);
  if (Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(magnitude))));
}

export function withUnit(value: number, shown: DisplayUnit, digits = 3): string {
  const number = significant(value / shown.divisor, digits);
  return shown.suffix ? `${number} ${shown.suffix}` : number;
}
