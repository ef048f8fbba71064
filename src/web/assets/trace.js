// A trace's waterfall. Only the rows that can be seen are in the page, so that ten thousand spans stay usable.

import { announce, el, moment } from "./dom.js";
import { NONE, apart, exact, format, time, zoneName } from "./format.js";
import { controls, kept } from "./state.js";

const part = (id) => document.getElementById(id);
const trace = JSON.parse(part("trace").textContent);
const spans = trace.items;
const whole = Math.max(trace.duration_ns, 1);
const [ROW_PX, BEYOND, STEP_PX, DEEPEST] = [27, 8, 12, 24];
const body = part("falls");
const space = el("div", { class: "falls-space" });
const given = new URLSearchParams(location.search);
const folded = new Set();
const view = { hide: Number(given.get("hide")) || 0, critical: given.get("critical") === "1", logs: given.get("logs") === "1", span: given.get("span") ?? "" };
let records = null;
let rows = [];
let at = 0;

/** Writes the controls into the URL. */
function write() {
  const url = new URL(location.href);
  const set = { hide: view.hide || "", critical: view.critical ? "1" : "", logs: view.logs ? "1" : "", span: view.span };
  for (const [name, value] of Object.entries(set)) {
    if (value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
}

/** Which spans are shown: those that are wanted, and those above them. */
function wanted() {
  const kept = spans.map((span) => span.duration_ns >= whole * view.hide / 100 && (!view.critical || span.is_critical));
  for (let index = spans.length - 1; index >= 0; index -= 1) if (kept[index] && spans[index].parent !== null) kept[spans[index].parent] = true;
  return kept;
}

/** The rows: spans that are neither hidden nor folded away, and the log records below theirs. */
function arrange() {
  const kept = wanted();
  rows = [];
  for (let index = 0; index < spans.length; index += 1) {
    if (!kept[index]) continue;
    rows.push({ index });
    if (view.logs) rows.push(...(records?.get(spans[index].span_id) ?? []).map((record) => ({ index, record })));
    if (folded.has(index)) index += spans[index].below;
  }
  at = Math.min(Math.max(at, 0), Math.max(rows.length - 1, 0));
  space.style.height = `${rows.length * ROW_PX}px`;
  const hidden = kept.filter((is) => !is).length;
  part("falls-count").textContent = `${format(spans.length, "count")}${hidden > 0 ? `, ${format(hidden, "count")} hidden` : ""}`;
  draw();
}

function draw() {
  const first = Math.max(0, Math.floor(body.scrollTop / ROW_PX) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((body.scrollTop + body.clientHeight) / ROW_PX) + BEYOND);
  space.replaceChildren(...rows.slice(first, last).map((row, offset) => {
    const place = first + offset;
    const element = row.record ? line(row) : fall(row, place);
    element.style.transform = `translateY(${place * ROW_PX}px)`;
    element.id = `fall-${place}`;
    if (place === at) element.classList.add("at");
    element.addEventListener("click", ({ target }) => { at = place; if (target.closest(".turn")) turn(row.index); else choose(row.index); });
    return element;
  }));
  body.setAttribute("aria-activedescendant", `fall-${at}`);
}

function fall({ index }, place) {
  const span = spans[index];
  const isOpen = !folded.has(index);
  const name = el("span", { class: "name", title: [span.name, span.function].filter(Boolean).join(" · ") },
    span.below > 0 ? el("span", { class: "turn", "aria-hidden": "true" }, isOpen ? "▾" : "▸") : el("span", { class: "turn none" }),
    el("span", { class: span.failed ? "bad" : null }, span.name), span.function && span.function !== span.name ? el("span", { class: "note" }, ` ${span.function}`) : "",
    span.cold ? el("span", { class: "note" }, " cold") : "", span.missing_parent ? el("span", { class: "note" }, " parent missing") : "");
  name.style.paddingLeft = `${Math.min(span.depth, DEEPEST) * STEP_PX}px`;
  const element = el("div", {
    class: "fall", role: "treeitem", "aria-level": span.depth + 1, "aria-selected": String(span.span_id !== "" && span.span_id === view.span),
    "aria-expanded": span.below > 0 ? String(isOpen) : null, "aria-posinset": place + 1, "aria-setsize": rows.length,
  }, name, bar(span), el("span", { class: "n" }, format(span.duration_ns, "nanoseconds")), cost(span.own_cost, "own"), cost(span.list_cost, ""));
  return element;
}

function bar(span) {
  const mark = el("i", { class: `part ${span.failed ? "broken" : span.own_cost ? "paid" : ""}` });
  const [left, width] = [span.start_ns / whole * 100, span.duration_ns / whole * 100].map((share) => Math.min(Math.max(share, 0), 100));
  const shown = Math.max(width, 0.3);
  Object.assign(mark.style, { left: `${Math.min(left, 99.7)}%`, width: `${shown}%` });
  const own = format(span.own_ns, "nanoseconds");
  const path = span.is_critical ? `, ${format(span.critical_ns, "nanoseconds")} on the critical path` : "";
  const cell = el("span", { class: "lane", title: `from ${format(span.start_ns, "nanoseconds")} on, own ${own}${path}` }, mark);
  if (span.critical_ns > 0) {
    const critical = el("i", { class: "way" });
    Object.assign(critical.style, { left: mark.style.left, width: `${Math.max(span.critical_ns / whole * 100, 0.3)}%` });
    cell.append(critical);
  }
  return cell;
}

function cost(amounts, name) {
  const short = (amounts ?? []).map(({ amount, currency }) => format(amount, "money", { currency })).join(" + ");
  const whole = (amounts ?? []).map(({ amount, currency }) => `${amount} ${currency}`).join(" + ");
  return el("span", { class: `n ${name}`, title: whole || null }, short || NONE);
}

/** A log record in line: a mark at its time. */
function line({ index, record }) {
  const span = spans[index];
  const text = el("span", { class: "name said", title: record.body }, record.body);
  text.style.paddingLeft = `${(Math.min(span.depth, DEEPEST) + 1) * STEP_PX}px`;
  const tick = el("i", { class: "tick" });
  tick.style.left = `${Math.min(Math.max(since(record.time_unix_nano) / whole * 100, 0), 99.7)}%`;
  const word = record.severity_text || "log";
  return el("div", { class: `fall record ${record.severity_number >= 17 ? "error" : record.severity_number >= 13 ? "warn" : ""}`, role: "treeitem", "aria-level": span.depth + 2 },
    text, el("span", { class: "lane", title: `${time(record.time, controls.tz)} ${zoneName(controls.tz)}` }, tick), el("span", { class: "n" }, word), el("span", { class: "n own" }), el("span", { class: "n" }));
}

/** Nanoseconds from the trace's start to a time that a number does not hold exactly. */
function since(nanos) {
  const [, second, micros] = /^(.*)\.(\d{6})Z$/.exec(trace.started_at) ?? [];
  const start = second ? BigInt(Date.parse(`${second}Z`)) * 1000000n + BigInt(micros) * 1000n : 0n;
  return Number(BigInt(nanos) - start);
}

function turn(index) {
  if (!folded.delete(index)) folded.add(index);
  arrange();
}

/** Brings the row into view. */
function reach() {
  const top = at * ROW_PX;
  if (top < body.scrollTop) body.scrollTop = top;
  if (top + ROW_PX > body.scrollTop + body.clientHeight) body.scrollTop = top + ROW_PX - body.clientHeight;
  draw();
}

async function ask(path) {
  const response = await fetch(path).catch(() => null);
  const data = await response?.json().catch(() => null);
  if (!response?.ok || !data) throw new Error(data?.detail ?? "The server cannot be reached.");
  return data;
}

/** A length of time as people read it, and to the nanosecond. */
function length(nanos) {
  const [short, whole] = [format(nanos, "nanoseconds"), apart(exact(nanos, "nanoseconds"))];
  return short === whole ? short : `${short} (${whole})`;
}

let asking = null;
/** The log records of the trace by span, read once. */
function loadRecords() {
  asking ??= ask(`/api/v1/traces/${trace.trace_id}/logs`).then(({ items }) => {
    records = Map.groupBy(items, ({ span_id: id }) => id ?? "");
    const known = new Set(spans.map(({ span_id: id }) => id));
    const lost = items.filter(({ span_id: id }) => !known.has(id ?? ""));
    // Records of no span that is here stand below the first.
    if (lost.length > 0 && spans.length > 0) records.set(spans[0].span_id, [...lost, ...(records.get(spans[0].span_id) ?? [])]);
  });
  return asking;
}

/** Shows all that is known of a span beside the waterfall. */
async function choose(index) {
  const span = spans[index];
  view.span = span.span_id;
  write();
  draw();
  const side = part("side");
  const fact = (name, value) => (value ? el("div", {}, el("dt", {}, name), el("dd", {}, value)) : "");
  const amounts = (list) => (list ?? []).map(({ amount, currency }) => `${amount} ${currency}`).join(" + ");
  const links = [
    span.invocation_id && el("a", { href: kept(`/invocations/${encodeURIComponent(span.invocation_id)}`) }, "Invocation"),
    span.function && el("a", { href: kept(`/functions/${encodeURIComponent(span.function)}`, around()) }, "Function"),
    span.span_id && el("a", { href: kept("/logs", { trace_id: trace.trace_id, span_id: span.span_id, ...around() }) }, "Logs"),
    span.fingerprint && el("a", { href: kept("/invocations", { outcome: span.outcome, fingerprint: span.fingerprint, ...around(432e5) }) }, "Similar errors"),
  ];
  const more = el("div", {});
  side.replaceChildren(
    el("h2", {}, span.name), el("p", { class: "actions" }, links.filter(Boolean)),
    span.status_message ? el("pre", { class: "message" }, el("code", {}, span.status_message)) : "",
    el("dl", { class: "facts" },
      fact("Took", length(span.duration_ns)), fact("Own time", length(span.own_ns)),
      fact("Critical path", span.is_critical ? length(span.critical_ns) : "not on it"),
      fact("Own list cost", amounts(span.own_cost)), fact("With all below", amounts(span.list_cost)),
      fact("Outcome", span.outcome), fact("Kind", span.kind), fact("Span", span.span_id), fact("Missing parent", span.missing_parent)),
    more);
  if (span.from_record) return more.append(el("p", { class: "note" }, "No span is stored: this is the invocation's record."));
  try {
    const [{ items }] = await Promise.all([ask(`/api/v1/traces/${trace.trace_id}/spans/${span.span_id}`), loadRecords()]);
    if (view.span === span.span_id) more.append(...details(items[0], records.get(span.span_id) ?? []));
  } catch (error) {
    more.append(el("p", { class: "failed", role: "alert" }, error.message));
  }
}

/** A range that has the whole trace, and so many milliseconds on each side. */
function around(margin = 36e5) {
  const start = Date.parse(trace.started_at);
  return { from: String(start - margin), to: String(start + Math.ceil(trace.duration_ns / 1e6) + margin) };
}

function details(span, said) {
  const map = (title, values) => {
    const pairs = Object.entries(values ?? {});
    return pairs.length === 0 ? [] : [el("h3", {}, title), el("dl", { class: "facts" }, pairs.map(([name, value]) => el("div", {}, el("dt", { class: "id" }, name), el("dd", {}, String(value)))))];
  };
  const list = (title, items) => (items.length === 0 ? [] : [el("h3", {}, title), el("ul", { class: "happened" }, items.map((item) => el("li", {}, item)))]);
  const pairs = (values) => Object.entries(values ?? {}).map(([name, value]) => el("span", { class: "label" }, `${name}=${value}`));
  const offset = (nanos) => format(Number(BigInt(nanos) - BigInt(span.start_time_unix_nano)), "nanoseconds");
  return [
    ...map("Attributes", span.attributes),
    ...list("Events", (span.events ?? []).map((event) => [`+${offset(event.time_unix_nano)} `, el("strong", {}, event.name), " ", ...pairs(event.attributes)]).map((all) => el("span", {}, all))),
    ...list("Links", (span.links ?? []).map((link) => el("span", {}, el("a", { href: kept(`/traces/${link.trace_id}?span=${link.span_id}`) }, `Trace ${link.trace_id.slice(0, 8)}…`), " ", pairs(link.attributes)))),
    ...list("Log records", said.slice(0, 50).map((record) => el("span", { class: "said" }, moment(record.time, "clock"), ` ${record.severity_text} ${record.body}`))),
    ...map("Resource", span.resource_attributes),
    ...map("Instrumentation", { name: span.scope_name, version: span.scope_version }),
  ];
}

function key(event) {
  const row = rows[at];
  if (!row) return;
  const page = Math.max(1, Math.floor(body.clientHeight / ROW_PX) - 1);
  const span = spans[row.index];
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 };
  if (event.key in moves) at = Math.min(Math.max(moves[event.key], 0), rows.length - 1);
  else if (event.key === "ArrowRight" && folded.has(row.index)) turn(row.index);
  else if (event.key === "ArrowRight" && span.below > 0) at = Math.min(at + 1, rows.length - 1);
  else if (event.key === "ArrowLeft" && span.below > 0 && !folded.has(row.index)) turn(row.index);
  else if (event.key === "ArrowLeft" && span.parent !== null) at = rows.findIndex(({ index }) => index === span.parent);
  else if (event.key === "Enter" || event.key === " ") choose(row.index);
  else return;
  event.preventDefault();
  reach();
  const now = spans[rows[at].index];
  announce(`${now.name}, ${format(now.duration_ns, "nanoseconds")}${now.failed ? ", failed" : ""}`);
}

async function showLogs() {
  try {
    if (view.logs) await loadRecords();
    arrange();
  } catch (error) {
    announce(error.message);
  }
}

body.append(space);
part("hide").value = String(view.hide);
if (part("hide").value === "") part("hide").value = "0";
part("critical").checked = view.critical;
part("logs").checked = view.logs;
part("hide").addEventListener("change", ({ target }) => { view.hide = Number(target.value); write(); arrange(); });
part("critical").addEventListener("change", ({ target }) => { view.critical = target.checked; write(); arrange(); });
part("logs").addEventListener("change", ({ target }) => { view.logs = target.checked; write(); showLogs(); });
part("expand").addEventListener("click", () => { folded.clear(); arrange(); });
part("collapse").addEventListener("click", () => { spans.forEach(({ below }, index) => { if (below > 0) folded.add(index); }); at = 0; arrange(); });
body.addEventListener("keydown", key);
let scrolling = 0;
body.addEventListener("scroll", () => { cancelAnimationFrame(scrolling); scrolling = requestAnimationFrame(draw); }, { passive: true });
new ResizeObserver(draw).observe(body);
part("ticks").replaceChildren(...[0, 1, 2, 3, 4].map((quarter) => el("span", {}, format(trace.duration_ns / 4 * quarter, "nanoseconds"))));
arrange();
if (view.logs) showLogs();
const chosen = view.span === "" ? -1 : spans.findIndex(({ span_id: id }) => id === view.span);
if (chosen >= 0) {
  at = Math.max(0, rows.findIndex(({ index }) => index === chosen));
  reach();
  choose(chosen);
}
