import { element } from "./tooltip";

const rowsText = (count: number) => (count === 1 ? "1 row" : `${count} rows`);

/** The HTML table under a chart: the program wrote it; here its rows follow the filters. */
export class ChartTable {
  private readonly rows: HTMLTableRowElement[];

  constructor(private readonly details: HTMLDetailsElement) {
    this.rows = [...details.querySelectorAll<HTMLTableRowElement>("tbody tr")];
  }

  /** Shows the rows of these points; rows of no point stay. */
  show(points: Set<number>): void {
    for (const row of this.rows) row.hidden = row.dataset.p !== undefined && !points.has(Number(row.dataset.p));
    const shown = this.rows.filter((row) => !row.hidden).length;
    const count = this.details.querySelector("summary .count")!;
    count.textContent = shown === this.rows.length ? rowsText(shown) : `${shown} of ${rowsText(this.rows.length)}`;
  }

  /** Replaces the cells (and titles): a chart whose rows are not points. */
  fill(cells: string[][], head?: string[]): void {
    if (head) {
      this.details.querySelector("thead tr")!.replaceChildren(...head.map((text) => {
        const cell = element("th", text, "number");
        cell.scope = "col";
        return cell;
      }));
    }
    const body = this.details.querySelector("tbody")!;
    const kinds = [...this.details.querySelectorAll("thead th")].map((title) => title.className);
    body.replaceChildren(...cells.map((row) => {
      const line = element("tr");
      row.forEach((text, i) => {
        const cell = element(i === 0 ? "th" : "td", text, kinds[i]);
        if (i === 0) cell.scope = "row";
        line.append(cell);
      });
      return line;
    }));
    this.details.querySelector("summary .count")!.textContent = rowsText(cells.length);
  }

  /** The visible rows, tab-separated, as spreadsheets and editors take them. */
  asText(): string {
    const lines = [...this.details.querySelectorAll("tr")].filter((row) => !row.hidden);
    return lines.map((row) => [...row.cells].map((cell) => cell.textContent!.trim()).join("\t")).join("\n");
  }
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
