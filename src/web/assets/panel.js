// A panel: takes its answer, draws it by its kind, and says when there is nothing to draw and why. Its
// menu shows the same numbers as a table, as SQL, CSV and PNG.

import { barsView } from "./bars.js";
import { heatView, histogramView } from "./bins.js";
import { announce, el } from "./dom.js";
import { save } from "./image.js";
import { seriesChart, seriesTable } from "./series.js";
import { clearFilters, filtersSet, query } from "./state.js";
import { statTable, statView } from "./stat.js";
import { tableView } from "./table.js";

const VIEWS = {
  TimeSeriesChart: seriesChart, StatChart: statView, Table: (panel, body) => tableView(panel, body),
  HeatMapChart: heatView, HistogramChart: histogramView, BarChart: barsView,
};
const PICTURES = ["TimeSeriesChart", "HeatMapChart", "HistogramChart"];

/** The panel of `section`; `page` is what panels share: `{ board, markers(), retry(id), later(panel) }`. */
export function createPanel(panel, section, page) {
  const body = section.querySelector(".body");
  let view = null;
  let shows = "";
  let answer = null;
  const part = el("small", {});
  section.querySelector("h2").append(part);
  let isNear = false;
  let asTable = false;
  const menu = drawMenu(section, panel, page, {
    isTable: () => asTable,
    turn() { asTable = !asTable; draw(); announce(asTable ? `${panel.title} as a table` : `${panel.title} as a chart`); },
    image: () => view?.image?.(),
  });

  /** Puts what `make` gives into the body, unless it is there already. */
  function put(kind, make) {
    if (shows === kind) return;
    view?.remove();
    body.replaceChildren();
    body.className = `body is-${kind.split(" ")[0]}`;
    shows = kind;
    view = make();
  }

  function draw() {
    if (!answer || !isNear) return;
    section.removeAttribute("aria-busy");
    section.classList.remove("stale");
    part.textContent = answer.notice ?? "";
    if (answer.error) put(`says ${answer.error}`, () => failure(body, panel, answer.error, page));
    else if (isEmpty(panel, answer)) put(`nothing ${filtersSet().length}`, () => nothing(body));
    else if (asTable && panel.kind !== "Table") drawTable();
    else {
      put(panel.kind, () => VIEWS[panel.kind](panel, body, page));
      view.update(answer);
    }
  }

  function drawTable() {
    const { columns, data } = tabled(panel, answer);
    put("Table", () => tableView({ ...panel, columns }, body));
    view.update(data);
  }

  return {
    id: panel.id,
    /** Takes what the server says; drawn at once when it can be seen, else when there is time. */
    receive(next) { answer = next; if (isNear) draw(); else page.later(this); },
    /** Draws from now on: the panel can be seen, or there is time. */
    come() { if (!isNear) { isNear = true; draw(); } },
    redraw() { if (isNear && answer) { if (view?.redraw) view.redraw(); else draw(); } },
    /** Another range was asked for: what is shown is not the answer. */
    wait() { section.setAttribute("aria-busy", "true"); if (answer) section.classList.add("stale"); },
    /** The answers have all come, and none was for this panel. */
    end() {
      const isMissing = section.hasAttribute("aria-busy") && (!answer || section.classList.contains("stale"));
      if (isMissing) this.receive({ error: "The server's answer ended before this panel's." });
    },
    settle() { section.removeAttribute("aria-busy"); section.classList.remove("stale"); },
    isEmpty: () => answer !== null && !answer.error && !hasNumbers(answer),
    menu,
  };
}

/** The numbers of any kind of panel as columns of a table. */
function tabled(panel, answer) {
  if (panel.kind === "TimeSeriesChart") return seriesTable(panel, answer);
  if (panel.kind === "StatChart") return statTable(panel, answer);
  const known = new Map(panel.columns.map((column) => [column.name, column]));
  const units = { bucket: "time", low: panel.unit, high: panel.unit, count: "count" };
  const isBins = panel.kind === "HeatMapChart" || panel.kind === "HistogramChart";
  const unitOf = (name, type) => (isBins ? units[name] ?? "count" : /char|text|utf8/i.test(type) ? "text" : undefined);
  const columns = answer.columns.map(({ name, type }) => known.get(name) ?? { name, title: "", unit: unitOf(name, type) });
  return { columns, data: answer };
}

function plain(body, kind, ...children) {
  body.append(el("div", { class: `says notice ${kind}` }, ...children));
  return { remove() {} };
}

function failure(body, panel, error, page) {
  return plain(body, "broken",
    el("p", { role: "alert" }, el("strong", {}, "This panel has no data. "), error),
    el("button", { type: "button", onclick: () => page.retry(panel.id) }, "Try again"));
}

function nothing(body) {
  if (filtersSet().length === 0) return plain(body, "none", el("p", {}, "Nothing in this range."));
  return plain(body, "none",
    el("p", {}, "Nothing in this range matches the filters."),
    el("button", { type: "button", onclick: clearFilters }, "Clear the filters"));
}

/** Whether there is nothing to draw. A tile always has something: a dash. */
function isEmpty(panel, answer) {
  if (panel.kind === "StatChart") return answer.now.columns.length === 0;
  if (panel.kind === "TimeSeriesChart") return answer.series.every(({ values }) => values.every((value) => value === null));
  return (answer.columns[0]?.values.length ?? 0) === 0;
}

/** Whether any number of an answer is other than 0. */
function hasNumbers(answer) {
  const lists = [...(answer.series ?? []), ...(answer.columns ?? answer.now?.columns ?? [])].map(({ values }) => values);
  return lists.some((values) => values.some((value) => value !== null && value !== "" && Number(value) !== 0 && typeof value !== "boolean"));
}

/** The panel's menu, at the end of its heading. */
function drawMenu(section, panel, page, { isTable, turn, image }) {
  const sql = el("a", {}, "SQL");
  const csv = el("a", { download: true }, "CSV");
  const close = () => { details.open = false; details.firstChild.focus(); };
  const table = panel.kind === "Table" ? null : el("button", { type: "button", onclick: () => { turn(); close(); } }, "View as table");
  const picture = PICTURES.includes(panel.kind)
    ? el("button", { type: "button", onclick: () => { const found = image(); if (found) save(panel, found); close(); } }, "PNG") : null;
  const items = [table, sql, csv, picture].filter(Boolean).map((item) => el("li", {}, item));
  const details = el("details", { class: "menu" },
    el("summary", { "aria-label": `Menu of ${panel.title}`, title: "Menu" }, el("span", { "aria-hidden": "true" }, "⋯")),
    el("div", { class: "sheet" }, el("ul", {}, items), panel.about ? el("p", { class: "about" }, panel.about) : ""));
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    if (table) table.textContent = isTable() ? "View as chart" : "View as table";
    sql.href = `/sql?${query(undefined, { dashboard: page.board.name, panel: panel.id })}`;
    const path = [page.board.name, "panels", panel.id].map(encodeURIComponent).join("/");
    csv.href = `/api/v1/dashboards/${path}?${query(undefined, { format: "csv" })}`;
    if (picture) picture.disabled = !image();
  });
  section.querySelector("header").append(details);
  return details;
}
