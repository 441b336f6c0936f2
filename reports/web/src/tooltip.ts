// Tooltips are built as elements: nothing in a name can act, and the page's policy allows no inline style.

export interface TooltipRow {
  name: string;
  value: string;
  detail?: string;
}

export function tooltip(title: string, rows: TooltipRow[]): HTMLElement {
  const box = document.createElement("div");
  box.className = "tip";
  box.append(element("strong", title));
  const list = document.createElement("dl");
  for (const row of rows) {
    list.append(element("dt", row.name));
    const value = element("dd", row.value);
    if (row.detail) value.append(element("small", row.detail));
    list.append(value);
  }
  box.append(list);
  return box;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = "",
  className = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}
