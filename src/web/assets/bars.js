// A list of bars with labels; several numbers are stacked.

import { looks } from "./colors.js";
import { el, keepFocus, swatch } from "./dom.js";
import { exact, format } from "./format.js";
import { hideTip, showTip } from "./pointer.js";
import { columnsOf, currencyOf, linkOf } from "./rows.js";
import { kept } from "./state.js";

/** The bars of a panel in `body`. */
export function barsView(panel, body) {
  const list = el("ol", { class: "bars" });
  const scroll = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": panel.title }, list);
  const keys = el("ul", { class: "legend keys bars-keys" });
  body.replaceChildren(scroll, keys);
  let data = null;

  function draw() {
    const known = new Map(panel.columns.map((column) => [column.name, column]));
    const columns = columnsOf({ ...panel, columns: data.columns.map(({ name }) => known.get(name) ?? { name }) }, data);
    const label = columns.find(({ name }) => name === "label") ?? columns.find(({ isNumber }) => !isNumber);
    const numbers = columns.filter(({ name, isNumber }) => isNumber && name !== label?.name && (known.size === 0 || known.has(name)));
    const found = looks(numbers.map(({ name, color }) => ({ name, color: color ?? (numbers.length === 1 ? "bar" : undefined) })));
    const parts = numbers.map((column, index) => ({ ...column, look: found[index] }));
    const labels = data.columns[0]?.values ?? [];
    const sums = labels.map((_, row) => parts.reduce((sum, { values }) => sum + Math.max(0, Number(values[row] ?? 0)), 0));
    const highest = Math.max(0, ...sums);
    keys.hidden = parts.length < 2;
    keys.replaceChildren(...parts.map(({ title, look }) => el("li", {}, swatch(look, false), title)));
    keepFocus(body, () => list.replaceChildren(...labels.map((_, row) => line(row, label, parts, sums[row], highest))));
  }

  function line(row, label, parts, sum, highest) {
    const options = { currency: currencyOf(data, row) };
    const text = format(label?.values[row] ?? row + 1, "text");
    const path = label?.link ? linkOf(label.link, data, row) : null;
    const bar = el("span", { class: "track", "aria-hidden": "true" }, parts.map(({ values, look }) => {
      const part = el("i");
      part.style.width = `${(highest > 0 ? Math.max(0, Number(values[row] ?? 0)) / highest * 100 : 0).toFixed(2)}%`;
      part.style.background = look.color;
      return part;
    }));
    const value = parts.length === 1 ? parts[0].values[row] : sum;
    const content = {
      title: text,
      rows: parts.map(({ title, values, unit, look }) => ({ look, name: title, value: format(values[row], unit, options) })),
    };
    return el("li", { onpointermove: (event) => showTip(content, event.clientX, event.clientY), onpointerleave: hideTip },
      path
        ? el("a", { class: "label", href: path.startsWith("/") ? kept(path) : path, title: text }, text)
        : el("span", { class: "label", title: text }, text),
      bar,
      el("span", { class: "n", title: exact(value, parts[0]?.unit, options) }, format(value, parts[0]?.unit, options)));
  }

  return { update(next) { data = next; draw(); }, redraw() { if (data) draw(); }, remove: hideTip };
}
