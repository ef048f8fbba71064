// One value: its change against the time of comparison, what it is made of, and a small line of its trend.

import { token } from "./colors.js";
import { el, svg } from "./dom.js";
import { apart, difference, exact, format } from "./format.js";
import { currencyOf, linkOf, valuesOf } from "./rows.js";
import { controls, kept } from "./state.js";

const EARLIER = { "-1h": "an hour", "-1d": "a day", "-7d": "7 days", "-28d": "28 days" };

/** A tile of a panel in `body`. */
export function statView(panel, body) {
  let answer = null;

  function draw() {
    const { now, previous, trend } = answer;
    const unit = unitOf(panel, panel.value);
    const [value, before] = [now, previous].map((data) => valuesOf(data, panel.value)[0]);
    const options = { currency: currencyOf(now, 0), zone: controls.tz };
    const reached = panel.thresholds.filter((threshold) => value !== null && Number(value) >= threshold.value).at(-1);
    const text = unit === "text" || unit === "none" && Number.isNaN(Number(value)) ? format(value, "text") : format(value, unit, options);
    const [number, ...rest] = ["text", "time"].includes(unit) ? [text] : text.split(/ (?=[^\d]*$)|\u202f(?=[A-Z]{3}$)/);
    body.replaceChildren(
      el("p", { class: "figure" },
        el("span", { class: `value ${reached?.color ?? ""}`, title: exact(value, unit, options) }, number,
          rest.length > 0 ? el("small", {}, ` ${rest.join(" ")}`) : ""),
        previous ? changed(panel, value, before, unit, options) : "",
        reached?.title ? el("span", { class: `reached ${reached.color}` }, `⚠ ${reached.title}`) : "",
        note(panel, now, options)),
      trend ? spark(trend, panel) : "",
    );
  }

  return { update(next) { answer = next; draw(); }, redraw() { if (answer) draw(); }, remove() {} };
}

function unitOf(panel, name) {
  return panel.columns.find((column) => column.name === name)?.unit ?? panel.unit;
}

function changed(panel, now, before, unit, options) {
  const found = difference(now, before, unit, options);
  if (!found) return "";
  const { sign, text, absolute } = found;
  const good = { lower: -1, higher: 1 }[panel.better] ?? 0;
  const tone = sign === 0 || good === 0 ? "calm" : sign === good ? "good" : "bad";
  const ago = EARLIER[controls.cmp] ?? controls.cmp.slice(1);
  const title = `${exact(before, unit, options)} ${ago} earlier, ${absolute}${tone === "calm" ? "" : tone === "good" ? ", better" : ", worse"}`;
  return el("span", { class: `change ${tone}`, title },
    el("span", { "aria-hidden": "true" }, sign > 0 ? "▲ " : sign < 0 ? "▼ " : ""), text,
    el("span", { class: "unseen" }, `${sign > 0 ? " more" : sign < 0 ? " less" : ""} than ${ago} earlier`));
}

function note(panel, data, options) {
  if (!panel.note) return "";
  const value = valuesOf(data, panel.note)[0];
  if (value === null || value === undefined) return "";
  const column = panel.columns.find(({ name }) => name === panel.note);
  const unit = column?.unit ?? (typeof value === "number" ? "count" : "text");
  const words = unit === "text" ? apart(String(value)) : format(value, unit, options);
  const text = `${words} ${column?.title ?? ""}`.trim();
  const path = column?.link ? linkOf(column.link, data, 0) : null;
  const inner = path ? el("a", { href: path.startsWith("/") ? kept(path) : path }, text) : text;
  return el("span", { class: "note", title: exact(value, unit, options) }, inner);
}

/** A line over an area, 100 wide and 30 high, stretched to its room. */
function spark({ series }, panel) {
  const values = (series[0]?.values ?? []).map((value) => (value === null ? null : Number(value)));
  const there = values.filter((value) => value !== null);
  if (there.length < 2) return "";
  const [low, high] = [Math.min(0, ...there), Math.max(...there)];
  const at = (value, index) => `${(index / (values.length - 1) * 100).toFixed(2)},${(28 - (value - low) / (high - low || 1) * 26).toFixed(2)}`;
  const runs = [[]];
  values.forEach((value, index) => (value === null ? runs.push([]) : runs.at(-1).push([index, value])));
  const color = token(panel.columns.find(({ name }) => name === panel.value)?.color ?? "") || token("link");
  const parts = runs.filter((run) => run.length > 0).flatMap((run) => {
    const points = (run.length > 1 ? run : [run[0], run[0]]).map(([index, value]) => at(value, index));
    const [x0, x1] = [points[0], points.at(-1)].map((point) => point.split(",")[0]);
    return [
      svg("polygon", { points: `${x0},30 ${points.join(" ")} ${x1},30`, fill: color, "fill-opacity": 0.14 }),
      svg("polyline", {
        points: points.join(" "), fill: "none", stroke: color, "stroke-width": 1.5,
        "vector-effect": "non-scaling-stroke", "stroke-linejoin": "round", "stroke-linecap": "round",
      }),
    ];
  });
  return svg("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" }, parts);
}

/** The values as rows. */
export function statTable(panel, { now, previous }) {
  const rows = [["now", now], ["earlier", previous]].filter(([, data]) => data);
  const names = now.columns.map(({ name }) => name);
  const column = (name) => panel.columns.find((known) => known.name === name)
    ?? { name, title: "", unit: name === panel.value ? panel.unit : undefined };
  return {
    columns: [{ name: "when", title: "When", unit: "text" }, ...names.map(column)],
    data: { columns: [
      { name: "when", type: "text", values: rows.map(([when]) => when) },
      ...now.columns.map(({ name, type }) => ({ name, type, values: rows.map(([, data]) => valuesOf(data, name)[0] ?? null) })),
    ] },
  };
}
