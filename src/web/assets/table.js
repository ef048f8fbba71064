// Tables: sorted and paged in the browser, with bars, links and exact values in titles.

import { el, keepFocus } from "./dom.js";
import { compare, exact, format, zoneName } from "./format.js";
import { columnsOf, currencyOf, linkOf } from "./rows.js";
import { controls, kept } from "./state.js";

const ROW_PX = 33;
const HEAD_PX = 32;
const PAGER_PX = 36;
const [FEWEST, MOST] = [5, 25];

/** A table of a panel in `body`. */
export function tableView(panel, body) {
  const scroll = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": panel.title });
  const pager = el("div", { class: "pager" });
  body.replaceChildren(scroll, pager);
  let data = null;
  let sort = null;
  let page = 0;

  function order(columns, count) {
    const rows = Array.from({ length: count }, (_, row) => row);
    const column = sort && columns.find(({ name }) => name === sort.name);
    if (!column) return rows;
    const { values } = column;
    const isNone = (row) => values[row] === null || values[row] === undefined;
    return rows.sort((a, b) => Number(isNone(a)) - Number(isNone(b)) || (sort.down ? -1 : 1) * compare(values[a], values[b]) || a - b);
  }

  function draw() {
    const columns = columnsOf(panel, data);
    const count = data.columns[0]?.values.length ?? 0;
    const fits = Math.min(MOST, Math.max(FEWEST, Math.floor((body.clientHeight - HEAD_PX - PAGER_PX) / ROW_PX)));
    const size = count <= fits + 1 ? fits + 1 : fits;
    const pages = Math.max(1, Math.ceil(count / size));
    page = Math.min(page, pages - 1);
    const rows = order(columns, count).slice(page * size, (page + 1) * size);
    const most = ({ name, values }) => [name, Math.max(0, ...values.map(Number).filter(Number.isFinite))];
    const highest = new Map(columns.filter(({ bar }) => bar).map(most));
    keepFocus(body, () => {
      scroll.replaceChildren(el("table", {},
        el("thead", {}, el("tr", {}, columns.map((column) => head(column)))),
        el("tbody", {}, rows.map((row) => el("tr", {}, columns.map((column, index) => cell(column, row, index === 0, highest)))))));
      pager.hidden = pages < 2;
      pager.replaceChildren(
        button("‹", "Previous page", page > 0, () => { page -= 1; draw(); }),
        el("span", {}, `${page * size + 1}–${Math.min(count, (page + 1) * size)} of ${format(count, "count")}`),
        button("›", "Next page", page < pages - 1, () => { page += 1; draw(); }),
      );
    });
  }

  function head({ name, title, unit, isNumber }) {
    const chosen = sort?.name === name;
    const mark = chosen ? (sort.down ? " ▾" : " ▴") : "";
    const turn = () => {
      sort = { name, down: chosen ? !sort.down : isNumber };
      page = 0;
      draw();
    };
    return el("th", { scope: "col", class: isNumber ? "n" : null, "aria-sort": chosen ? (sort.down ? "descending" : "ascending") : null },
      el("button", { type: "button", onclick: turn, title: unit === "time" ? `In ${zoneName(controls.tz)}` : null }, title, el("span", { "aria-hidden": "true" }, mark)));
  }

  function cell(column, row, isFirst, highest) {
    const { name, unit, isNumber, values, link } = column;
    const value = values[row];
    const options = { currency: currencyOf(data, row), zone: controls.tz };
    const text = shortened(format(value, unit, options));
    const path = link ? linkOf(link, data, row) : null;
    const whole = exact(value, unit, options);
    const inner = path ? el("a", { href: path.startsWith("/") ? kept(path) : path }, text) : el("span", {}, text);
    if (whole !== text) inner.setAttribute("title", whole);
    const bar = highest.get(name) > 0 ? stripe(Number(value) / highest.get(name), column.color) : null;
    const classes = [isNumber && "n", bar && "barred"].filter(Boolean).join(" ");
    return el(isFirst ? "th" : "td", { scope: isFirst ? "row" : null, class: classes || null }, inner, bar);
  }

  return {
    update(next) { data = next; draw(); },
    redraw() { if (data) draw(); },
    remove() {},
  };
}

/** Long ids by their ends; the title has the whole. */
function shortened(text) {
  return /^[0-9a-f-]{32,36}$/.test(text) ? `${text.slice(0, 8)}…${text.slice(-4)}` : text;
}

function stripe(share, color) {
  const bar = el("i", { class: `stripe ${color ?? ""}`, "aria-hidden": "true" });
  bar.style.width = `${Math.max(share > 0 ? 1 : 0, share * 100).toFixed(1)}%`;
  return bar;
}

function button(text, label, isOn, onclick) {
  return el("button", { type: "button", "aria-label": label, disabled: !isOn, onclick }, text);
}
