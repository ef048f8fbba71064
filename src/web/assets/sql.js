// The page of SQL: runs what the editor holds and shows the answer as a table and, where it fits, as a chart.
const DRAWN_ROWS = 500;
const CHART_ROWS = 2000;
const MAX_SERIES = 8;
const byId = (id) => document.getElementById(id);
const editor = byId("sql");
const start = JSON.parse(byId("start").textContent);
let given = start.params;
let running = null;
let chart = null;
let drawn = null;

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const show = (id, shown) => { byId(id).hidden = !shown; };

// Parameters: what the text names with a $, outside of comments and quotes; its head may say their types and defaults.
const declared = (sql) => new Map([...sql.matchAll(/^\s*--\s*param\s+(\w+)\s*:\s*([^;\n]*)(?:;\s*(.*))?$/gm)]
  .map(([, name, type, about]) => [name, { type: type.trim(), about: about ?? "" }]));
const named = (sql) => {
  const code = sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"/g, " ");
  return [...new Set([...code.matchAll(/\$([A-Za-z_]\w*)/g)].map(([, name]) => name))];
};

const showParams = () => {
  const box = byId("params");
  const heads = declared(editor.value);
  const names = named(editor.value);
  const there = [...box.querySelectorAll("input")];
  if (there.map((input) => input.name).join() === names.join()) return;
  for (const input of there) given[input.name] = input.value === "" ? null : input.value;
  box.replaceChildren(...names.map((name) => {
    const head = heads.get(name);
    const input = element("input", { name, autocomplete: "off", placeholder: head?.type ?? "" });
    input.value = given[name] ?? "";
    return element("label", { title: head?.about ?? "" }, `$${name} `, input);
  }));
  box.hidden = names.length === 0;
};

const params = () => {
  const heads = declared(editor.value);
  const values = {};
  for (const { name, value } of byId("params").querySelectorAll("input")) {
    const hasDefault = heads.get(name)?.type.includes("=");
    if (value !== "") values[name] = value;
    else if (!hasDefault) values[name] = null;
  }
  return values;
};

// EXPLAIN goes behind the comments at the head, which declare parameters.
const explained = (sql) => {
  const head = sql.match(/^(?:\s*--[^\n]*\n|\s*\n)*/)[0];
  return `${head}EXPLAIN ${sql.slice(head.length)}`;
};

const fail = (text) => {
  byId("error").textContent = text;
  show("error", true);
  const place = text.match(/Line: (\d+), Column: (\d+)/);
  if (!place) return;
  const lines = editor.value.split("\n");
  const at = lines.slice(0, place[1] - 1).reduce((sum, line) => sum + line.length + 1, 0) + Number(place[2]) - 1;
  editor.focus();
  editor.setSelectionRange(at, Math.min(at + 1, editor.value.length));
};

const ask = async (sql, accept) => {
  const response = await fetch("/api/v1/query", {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify({ sql, params: params() }),
    signal: running.signal,
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail ?? `the server answered ${response.status}`);
};

// One at a time; a new one ends the one before, and what is cancelled ends on the server too.
const work = async (what) => {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  for (const id of ["error", "chart", "plan"]) show(id, false);
  show("result", true);
  show("cancel", true);
  byId("rows").replaceChildren();
  byId("status").textContent = "Running …";
  const began = performance.now();
  try {
    const text = await what();
    if (running === mine) byId("status").textContent = `${text} in ${(performance.now() - began).toFixed(0)} ms`;
  } catch (error) {
    if (running !== mine) return;
    const cancelled = error.name === "AbortError";
    byId("status").textContent = cancelled ? "Cancelled" : "";
    if (!cancelled) fail(error.message);
  } finally {
    if (running === mine) show("cancel", false);
  }
};

const keep = () => {
  const state = new URLSearchParams({ sql: editor.value, params: JSON.stringify(params()) });
  history.replaceState(null, "", `${location.pathname}#${state}`);
};

const run = () => work(async () => {
  keep();
  const answer = await (await ask(editor.value, "application/json")).json();
  showRows(answer);
  showChart(answer);
  const shown = answer.rows.length > DRAWN_ROWS ? `, the first ${DRAWN_ROWS} are shown` : "";
  return `${answer.rows.length.toLocaleString("en")} ${answer.rows.length === 1 ? "row" : "rows"}${shown}`;
});

const explain = () => work(async () => {
  const { rows } = await (await ask(explained(editor.value), "application/json")).json();
  byId("plan").textContent = rows.map((row) => `${row.plan_type}\n${row.plan}`).join("\n\n");
  show("plan", true);
  return "Planned";
});

const csv = () => work(async () => {
  const response = await ask(editor.value, "text/csv");
  const rows = response.headers.get("x-faremeter-rows");
  const link = element("a", { href: URL.createObjectURL(await response.blob()), download: "query.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  return `${rows} rows written`;
});

const isNumber = ({ type }) => /^(tinyint|smallint|int|bigint|unsigned|float|double|decimal|real)/.test(type);
const isTime = ({ type }) => /^(timestamp|date)/.test(type);
const shownValue = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));

const showRows = ({ columns, rows }) => {
  const head = columns.map((column) => element("th", { scope: "col", title: column.type, class: isNumber(column) ? "n" : "" }, column.name));
  const cell = (column, value) => {
    if (value === null || value === undefined) return element("td", { class: "null" }, "null");
    const text = shownValue(value);
    return element("td", { class: isNumber(column) ? "n" : "", title: text.length > 40 ? text : "" }, text);
  };
  const body = rows.slice(0, DRAWN_ROWS).map((row) => element("tr", {}, ...columns.map((column) => cell(column, row[column.name]))));
  byId("rows").replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A chart where the rows have a time or a label, and numbers: by a second label, where there is one beside a time.
const showChart = ({ columns, rows }) => {
  const numbers = columns.filter(isNumber);
  const time = columns.find(isTime);
  const label = columns.find((column) => !isNumber(column) && !isTime(column) && rows.every((row) => typeof row[column.name] === "string"));
  const base = time ?? label;
  drawn = null;
  if (!base || numbers.length === 0 || rows.length < 2 || rows.length > CHART_ROWS || typeof echarts === "undefined") return;
  const number = (value) => (value === null ? null : Number(value));
  let series = numbers.slice(0, MAX_SERIES).map(({ name }) => ({ name, data: rows.map((row) => [row[base.name], number(row[name])]) }));
  if (time && label) {
    const groups = Map.groupBy(rows, (row) => row[label.name]);
    series = [...groups].slice(0, MAX_SERIES).map(([name, own]) => ({ name, data: own.map((row) => [row[time.name], number(row[numbers[0].name])]) }));
  }
  if (time) for (const { data } of series) data.sort(([a], [b]) => (a < b ? -1 : 1));
  // What is measured in other units than the first would flatten it, or be flat: a click on the legend draws it.
  const largest = series.map(({ data }) => Math.max(...data.map(([, value]) => Math.abs(value ?? 0))));
  const fits = (size) => size * 30 > largest[0] && size < largest[0] * 30;
  const selected = Object.fromEntries(series.map(({ name }, place) => [name, Boolean(time && label) || fits(largest[place])]));
  drawn = { series, selected, time: Boolean(time), labels: rows.map((row) => row[base.name]) };
  draw();
};

const draw = () => {
  if (!drawn) return;
  show("chart", true);
  chart?.dispose();
  chart = echarts.init(byId("chart"), null, { renderer: "canvas" });
  const [text, soft, line] = ["--text", "--soft", "--line"].map(colour);
  const palette = ["--instantiate", "--init", "--handler", "--compile", "--load", "--bad", "--warn", "--queue"].map(colour);
  const axis = { axisLabel: { color: soft }, axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } } };
  chart.setOption({
    aria: { enabled: true },
    animation: false,
    useUTC: true,
    color: palette,
    textStyle: { color: text, fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 16, top: 34, bottom: 8, containLabel: true },
    legend: { type: "scroll", selected: drawn.selected, itemWidth: 14, itemHeight: 10, inactiveColor: line, textStyle: { color: soft }, pageTextStyle: { color: soft }, top: 0 },
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: colour("--card"), borderColor: line, textStyle: { color: text } },
    xAxis: drawn.time ? { type: "time", ...axis, splitLine: { show: false } } : { type: "category", data: [...new Set(drawn.labels)], ...axis, splitLine: { show: false } },
    yAxis: { type: "value", ...axis },
    series: drawn.series.map((one) => ({ ...one, type: drawn.time ? "line" : "bar", showSymbol: one.data.length < 50 })),
  });
};

document.addEventListener("faremeter:theme", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
new ResizeObserver(() => chart?.resize()).observe(byId("chart"));
byId("run").addEventListener("click", run);
byId("explain").addEventListener("click", explain);
byId("csv").addEventListener("click", csv);
byId("cancel").addEventListener("click", () => running?.abort());
editor.addEventListener("input", showParams);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
for (const button of document.querySelectorAll("[data-insert]")) {
  button.addEventListener("click", () => {
    editor.setRangeText(button.dataset.insert, editor.selectionStart, editor.selectionEnd, "end");
    editor.focus();
    showParams();
  });
}

const hash = new URLSearchParams(location.hash.slice(1));
if (hash.has("sql")) {
  editor.value = hash.get("sql");
  given = JSON.parse(hash.get("params") ?? "{}");
}
showParams();
if (start.run && !hash.has("sql")) run();
