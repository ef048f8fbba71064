// The page of logs: the histogram, what records have in common, what surrounds one, and the live tail.

import { announce, el, moment } from "./dom.js";
import { format } from "./format.js";
import { seriesChart } from "./series.js";
import { kept, onChange } from "./state.js";

const part = (id) => document.getElementById(id);
const COLORS = { none: "platform", trace: "load", debug: "calm", info: "bar", warn: "warn", error: "bad", fatal: "timeout" };
/** The URL's name for the filter of a facet. */
const FILTERS = { severity: "severity", function: "fn", tenant: "tenant", version: "ver", source: "source", environment: "environment_id" };
/** Records of the tail that are shown, and that wait while it is paused, at most. */
const [SHOWN, WAITING] = [1000, 2000];

/** What the page asks for, without where it stands. */
function asked() {
  const query = new URLSearchParams(location.search);
  ["cursor", "limit", "live"].forEach((name) => query.delete(name));
  return query;
}

async function ask(path) {
  const response = await fetch(path).catch(() => null);
  const data = await response?.json().catch(() => null);
  if (!response?.ok || !data) throw new Error(data?.detail ?? "The server cannot be reached.");
  return data;
}

const failed = (error) => el("p", { class: "failed", role: "alert" }, error.message);

async function histogram() {
  const card = part("histogram");
  const body = card.querySelector(".body");
  try {
    const data = await ask(`/api/v1/logs/histogram?${asked()}`);
    const own = asked();
    ["from", "to"].forEach((name) => own.delete(name));
    const columns = data.series.map(({ name }) => ({ name, title: name, unit: "count", color: COLORS[name] }));
    const panel = { title: "Records", unit: "count", display: "stacked-bars", gap: "zero", thresholds: [], columns, open: `/logs?${own}` };
    const chart = seriesChart(panel, body, { markers: () => [] });
    chart.update({ ...data, others: 0 });
    part("histogram-note").textContent = format(data.total, "count");
    let settling = 0;
    new ResizeObserver(() => {
      cancelAnimationFrame(settling);
      settling = requestAnimationFrame(chart.redraw);
    }).observe(body);
    document.addEventListener("faremeter:theme", chart.redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", chart.redraw);
  } catch (error) {
    body.replaceChildren(failed(error));
  }
  card.removeAttribute("aria-busy");
}

async function facets() {
  const shelf = part("facets");
  try {
    const { counted, is_part: isPart, facets: all } = await ask(`/api/v1/logs/facets?${asked()}`);
    part("facets-note").textContent = isPart ? `of the newest ${format(counted, "count")}` : "";
    shelf.append(...all.filter(({ values }) => values.some(({ value }) => value !== "")).map((facet, index) => drawn(facet, counted, index)));
  } catch (error) {
    shelf.append(failed(error));
  }
  shelf.removeAttribute("aria-busy");
}

function drawn({ name, key, values }, counted, index) {
  const title = name === "attribute" ? key : name;
  const line = ({ value, records }) => {
    const query = asked();
    const [filter, wanted] = name === "attribute" ? ["attr", `${key}=${value}`] : [FILTERS[name], value];
    const isSet = query.get(filter) === wanted;
    if (isSet) query.delete(filter);
    else query.set(filter, wanted);
    const text = value === "" ? "none" : value;
    const label = value === "" ? el("span", { class: "cut", title: text }, text)
      : el("a", { class: "cut", href: `/logs?${query}`, "aria-current": isSet ? "true" : null, title: isSet ? `${text}: show all again` : text }, text);
    const bar = el("i", { class: "stripe", "aria-hidden": "true" });
    bar.style.width = `${Math.max(1, records / counted * 100).toFixed(1)}%`;
    return el("li", {}, label, el("span", { class: "n" }, format(records, "count")), bar);
  };
  return el("details", { open: index < 2 && innerWidth > 1100 }, el("summary", { title }, title), el("ul", { class: "values" }, values.map(line)));
}

/** Shows the records around one, in place of what was shown before. */
async function surround(button) {
  const { context, tenant, environment, invocation, function: name, source } = button.dataset;
  const ways = [["its environment", { environment_id: environment }], ["its invocation", { invocation_id: invocation }]]
    .filter(([, of]) => Object.values(of)[0]);
  if (ways.length === 0) ways.push([name ? "its function" : "its source", { fn: name, source }]);
  const known = button.closest(".known");
  known.querySelector(".around")?.remove();
  const list = el("ol", { class: "records" });
  const choose = async (of) => {
    const pairs = Object.entries({ ...of, at: context, tenant }).filter(([, value]) => value);
    try {
      const { items } = await ask(`/api/v1/logs/context?${new URLSearchParams(pairs)}`);
      list.replaceChildren(...items.map((record) => plain(record, record.time_unix_nano === context)));
      announce(`${items.length} records`);
    } catch (error) {
      list.replaceChildren(el("li", {}, failed(error)));
    }
  };
  const buttons = ways.map(([title, of]) => el("button", {
    type: "button", "aria-pressed": "false",
    onclick: ({ currentTarget }) => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === currentTarget)));
      choose(of);
    },
  }, `Of ${title}`));
  known.querySelector(".actions").after(el("div", { class: "around" }, el("p", { class: "actions" }, buttons), list));
  buttons[0].click();
}

/** OTLP's ranges of severity. */
function level(number) {
  return ["none", "trace", "debug", "info", "warn", "error", "fatal"][Math.floor((number + 3) / 4)] ?? "none";
}

function plain(record, isIt) {
  const word = level(record.severity_number);
  return el("li", { class: `${word}${isIt ? " here" : ""}` }, moment(record.time, "clock", { class: "when" }),
    el("span", { class: "severity" }, record.severity_text || word), el("span", { class: "said" }, record.body));
}

/** A record as the page has them, but for its fields, which the API names. */
function folded(record) {
  const word = level(record.severity_number);
  const fact = ([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
  const facts = Object.entries(record).filter(([name, value]) => typeof value === "string" && value && !["body", "time", "ingested_at"].includes(name));
  const links = [
    record.trace_id && el("a", { href: kept(`/traces/${record.trace_id}${record.span_id ? `?span=${record.span_id}` : ""}`) }, "Trace"),
    record.invocation_id && el("a", { href: kept(`/invocations/${encodeURIComponent(record.invocation_id)}`) }, "Invocation"),
    record.function && el("a", { href: kept(`/functions/${encodeURIComponent(record.function)}`) }, "Function"),
  ];
  const around = el("button", { type: "button", "data-context": record.time_unix_nano, "data-tenant": record.tenant, "data-environment": record.environment_id ?? "", "data-invocation": record.invocation_id ?? "", "data-function": record.function ?? "", "data-source": record.source }, "What surrounds it");
  return el("li", { class: word }, el("details", {},
    el("summary", {}, moment(record.time, "clock", { class: "when" }), " ", el("span", { class: "severity" }, record.severity_text || word), " ",
      el("span", { class: "by", title: record.function ?? "" }, record.function ?? ""), " ", el("span", { class: "said", title: record.body.slice(0, 300) }, record.body)),
    el("div", { class: "known" }, el("p", { class: "actions" }, links.filter(Boolean), around),
      el("dl", { class: "facts" }, fact(["time", moment(record.time, "full")]), facts.map(fact), Object.entries(record.attributes ?? {}).map(fact)))));
}

/** The live tail: off, on, or paused while records wait. */
function follow(button) {
  const fresh = part("fresh");
  const { after } = JSON.parse(part("start").textContent);
  let source = null;
  let isPaused = false;
  let waiting = [];
  let last = after;
  let dropped = 0;
  let shown = 0;

  function say() {
    button.textContent = source === null ? "Follow live" : isPaused ? "Resume" : "Pause";
    button.setAttribute("aria-pressed", String(source !== null && !isPaused));
    const notes = [
      source !== null && !isPaused ? `following, ${format(shown, "count")} new` : "",
      isPaused ? `${format(waiting.length, "count")} wait` : "", dropped > 0 ? `${format(dropped, "count")} left out` : "",
    ];
    part("tail-note").textContent = notes.filter(Boolean).join(" · ");
  }

  function show(records) {
    fresh.prepend(...records.map(folded).reverse());
    shown += records.length;
    while (fresh.children.length > SHOWN) fresh.lastChild.remove();
  }

  function take({ data, lastEventId }) {
    const records = JSON.parse(data);
    last = lastEventId || last;
    if (isPaused) {
      waiting.push(...records);
      const over = waiting.length - WAITING;
      if (over > 0) { waiting.splice(0, over); dropped += over; }
    } else show(records);
    say();
  }

  function begin() {
    const query = asked();
    ["from", "to", "tz", "cmp"].forEach((name) => query.delete(name));
    if (last) query.set("after", last);
    source = new EventSource(`/api/v1/logs/tail?${query}`);
    source.addEventListener("logs", take);
    source.addEventListener("dropped", ({ data }) => { dropped += JSON.parse(data).dropped; say(); });
    source.addEventListener("failed", ({ data }) => { part("tail-note").textContent = JSON.parse(data).detail; });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      source = null;
      say();
      part("tail-note").textContent = "The server does not take more that follow, or is gone.";
    });
    const url = new URL(location.href);
    url.searchParams.set("live", "1");
    history.replaceState(null, "", url);
    say();
  }

  button.addEventListener("click", () => {
    if (source === null) return begin();
    isPaused = !isPaused;
    if (!isPaused) { show(waiting); waiting = []; }
    say();
  });
  if (new URLSearchParams(location.search).get("live") === "1") begin();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-context]");
  if (button) surround(button);
});
onChange(() => location.reload());
if (part("histogram")) histogram();
if (part("facets")) facets();
if (part("tail")) follow(part("tail"));
