// Charts of values over time: lines, stacked areas and stacked bars.

import { isFunction, looks, token } from "./colors.js";
import { el } from "./dom.js";
import { format, time, zoneName } from "./format.js";
import { Shown, drawLegend } from "./legend.js";
import { backdrop, chartIn, frame, layout, linear, logarithmic, textWidth, timeAxis, valueAxis } from "./plot.js";
import { follow } from "./pointer.js";
import { controls, kept, query, range } from "./state.js";

const TIP_ROWS = 12;
/** Series that stand for no value of a filter. */
const NOBODY = ["other", "none"];

/** A chart of a panel in `body`; `page.markers()` are deployments. */
export function seriesChart(panel, body, page) {
  const stage = el("div", { class: "stage", tabindex: 0, role: "application", "aria-roledescription": "chart" });
  const list = el("ul", { class: "legend keys" });
  const per = el("small", { class: "per" });
  body.replaceChildren(stage, list);
  body.previousElementSibling.querySelector("h2").after(per);
  const canvas = el("div", { class: "canvas" });
  stage.append(canvas);
  const shown = new Shown();
  const isLine = panel.display === "line";
  let chart = null;
  let drawn = null;
  let answer = null;
  const pointer = follow(stage, () => drawn);

  function draw() {
    const all = series(panel, answer);
    shown.prune(all.map(({ name }) => name));
    drawLegend(list, all, shown, isLine, { redraw: draw, point: highlight, go: (one) => goes(panel, one) });
    list.hidden = all.length < 2 && !(all.length === 1 && all[0].title !== panel.title && panel.columns.length === 0);
    if (!chart) chart = chartIn(canvas);
    chart.resize();
    const visible = all.filter(({ name }) => shown.has(name));
    const parts = measure(panel, answer, visible, stage);
    stage.setAttribute("aria-label", describe(panel, answer, visible));
    // Where no row means 0, values are sums over a bucket, so that its length matters.
    per.textContent = [panel.unit === "money" ? answer.currency ?? "" : "", panel.gap === "zero" ? `per ${length(parts.step)}` : ""].join(" ").trim();
    chart.setOption(option(panel, answer, visible, parts, page.markers()), { replaceMerge: ["series"] });
    drawn = pointable(panel, answer, visible, parts, page);
    pointer.redrawn();
  }

  function highlight(name) {
    chart.dispatchAction(name === null ? { type: "downplay" } : { type: "highlight", seriesName: name });
  }

  return {
    update(next) { answer = next; draw(); },
    redraw() { if (answer) draw(); },
    image: () => ({
      canvas: chart.renderToCanvas({ pixelRatio: 2, backgroundColor: backdrop() }),
      keys: series(panel, answer).filter(({ name }) => shown.has(name)),
    }),
    remove() { per.remove(); pointer.remove(); chart?.dispose(); },
  };
}

/** The series with their titles, units and looks; `sums` are the heights that stacks reach. */
function series(panel, answer) {
  const columns = new Map(panel.columns.map((column) => [column.name, column]));
  const named = answer.series.map(({ name, label, values }) => {
    const column = columns.get(name);
    const others = name === "other" && answer.others > 0;
    return {
      name, label, values, numbers: values.map((value) => (value === null ? null : Number(value))),
      title: column?.title || (others ? `other (${answer.others})` : name), color: column?.color,
      unit: column?.unit ?? panel.unit, link: column?.link, about: others ? `${answer.others} more, summed` : null,
    };
  });
  const found = looks(named);
  return named.map((one, index) => ({ ...one, look: found[index] }));
}

/** The scale and the places of things. */
function measure(panel, { times }, visible, stage) {
  const step = times.length > 1 ? times[1] - times[0] : range().step_s * 1000;
  const isStacked = panel.display !== "line";
  const tops = isStacked
    ? times.map((_, index) => visible.reduce((sum, { numbers }) => sum + (numbers[index] ?? 0), 0))
    : visible.flatMap(({ numbers }) => numbers.filter((value) => value !== null));
  const highest = Math.max(0, ...tops);
  const positive = tops.filter((value) => value > 0);
  // A threshold far above the values would flatten them, so it is then left to the panel's text.
  const lines = panel.thresholds.filter(({ value }) => value <= Math.max(highest * 2.5, 1e-12));
  const top = Math.max(highest, ...lines.map(({ value }) => value * 1.05));
  const isLog = panel.scale === "log" && !isStacked && positive.length > 0;
  const scale = isLog ? logarithmic(Math.min(...positive), Math.max(top, ...positive)) : linear(top, panel.unit, stage.clientHeight);
  const place = layout(stage, scale, panel.unit, times[0], times.at(-1) + step);
  return { step, scale, place, lines, isLog };
}

function option(panel, answer, visible, parts, markers) {
  const { place, scale, step } = parts;
  const { times } = answer;
  const last = times.at(-1) + step;
  return {
    ...frame(place.plot, describe(panel, answer, visible)),
    xAxis: timeAxis(times[0], last, place.plot),
    yAxis: valueAxis(scale, panel.unit),
    series: [
      ...visible.map((one) => drawnSeries(panel, one, answer, parts)),
      {
        id: "\u0000lines", type: "line", data: [], silent: true, animation: false,
        markLine: {
          silent: true, symbol: "none", blur: { lineStyle: { opacity: 1 }, label: { opacity: 1 } },
          data: [...thresholds(panel, parts), ...deploys(markers, answer, parts)],
        },
        markArea: { silent: true, itemStyle: { color: token("unfinished") }, data: unfinished(times, step) },
      },
    ],
  };
}

function drawnSeries(panel, { name, numbers, look }, { times }, { step, isLog, place }) {
  const data = numbers.map((value, index) => [times[index] + step / 2, isLog && !(value > 0) ? null : value]);
  const common = {
    id: name, name, data, silent: true, animation: false, emphasis: { focus: "series" },
    blur: { lineStyle: { opacity: 0.25 }, itemStyle: { opacity: 0.25 }, areaStyle: { opacity: 0.15 } },
  };
  if (panel.display === "stacked-bars") {
    const width = place.plot.width / times.length;
    return { ...common, type: "bar", stack: "all", barWidth: Math.max(1, width > 4 ? width - 1 : width), itemStyle: { color: look.color } };
  }
  const isStacked = panel.display === "stacked-area";
  const lonely = numbers.some((value, index) => value !== null && (numbers[index - 1] ?? null) === null && (numbers[index + 1] ?? null) === null);
  return {
    ...common, type: "line", stack: isStacked ? "all" : undefined, connectNulls: false, symbol: "circle", symbolSize: 5,
    // A value without neighbours has no line: it is drawn as a point.
    showSymbol: lonely, showAllSymbol: true,
    lineStyle: { width: isStacked ? 0 : 2, type: look.dash, color: look.color, join: "round" }, itemStyle: { color: look.color },
    areaStyle: isStacked ? { color: look.color, opacity: 0.8 } : undefined,
  };
}

function thresholds(panel, { lines }) {
  return lines.map(({ value, color, title }) => ({
    yAxis: value, lineStyle: { color: token(color), type: [6, 4], width: 1.2 },
    label: {
      formatter: `${title || "limit"} ${format(value, panel.unit)}`, position: "insideStartTop", distance: 3,
      color: token(color), fontSize: 11, backgroundColor: token("card"), padding: [1, 3], borderRadius: 3,
    },
  }));
}

function deploys(markers, { times }, { step, place }) {
  let free = -Infinity;
  return markers.filter(({ time }) => time >= times[0] && time < times.at(-1) + step).map((marker) => {
    const name = `${marker.function} v${marker.version}`.replace("vv", "v");
    const x = place.x(marker.time);
    const width = textWidth(name) + 12;
    const isRoom = x >= free && x + width < place.plot.left + place.plot.width;
    if (isRoom) free = x + width;
    return {
      xAxis: marker.time, lineStyle: { color: token("deploy"), type: [3, 3], width: 1 },
      label: {
        show: isRoom, formatter: `▾ ${name}`, position: "insideEndTop", rotate: 0, align: "left", distance: [4, 2],
        color: token("deploy"), fontSize: 11,
      },
    };
  });
}

/** The bucket that is not over yet. */
function unfinished(times, step) {
  const last = times.at(-1);
  return last + step > Date.now() && last <= Date.now() ? [[{ xAxis: last }, { xAxis: last + step }]] : [];
}

function pointable(panel, { times, currency }, visible, { step, place }, page) {
  const options = { currency };
  const stacked = panel.display !== "line";
  const heights = (index) => {
    let sum = 0;
    return visible.map((one) => {
      const value = one.numbers[index];
      if (stacked) sum += value ?? 0;
      return { ...one, value: one.values[index], number: value, y: value === null ? null : place.y(stacked ? sum : value) };
    });
  };
  const nearest = (index, y) => heights(index).filter((one) => one.y !== null && (!stacked || one.number > 0))
    .map((one) => ({ one, far: stacked ? (one.y <= y ? y - one.y : Infinity) : Math.abs(one.y - y) }))
    .sort((a, b) => a.far - b.far)[0]?.one;
  return {
    times, step, place,
    marks: (index) => (stacked ? [] : heights(index).filter(({ y }) => y !== null).map(({ y, look }) => ({ y, color: look.color }))),
    content(index, y) {
      const close = y === null ? null : nearest(index, y);
      const sorted = heights(index).sort((a, b) => (b.number ?? -Infinity) - (a.number ?? -Infinity));
      const rows = sorted.slice(0, TIP_ROWS).map((one) => ({
        look: one.look, line: !stacked, name: one.title, value: format(one.value, one.unit, options),
        strong: one.name === close?.name && visible.length > 1,
      }));
      const sum = visible.reduce((total, { numbers }) => total + (numbers[index] ?? 0), 0);
      if (stacked && visible.length > 1) rows.push({ name: "all", value: format(sum, panel.unit, options) });
      const here = page.markers().filter(({ time: at }) => at >= times[index] && at < times[index] + step);
      const notes = here.map(({ function: name, version }) => `deployed: ${name} ${version}`);
      if (times[index] + step > Date.now()) notes.push("not over yet");
      return { title: period(times[index], step), rows, notes };
    },
    open(index, y) {
      const one = visible.length === 1 ? visible[0] : y === null ? undefined : nearest(index, y);
      location.assign(target(panel, one, times[index], step));
    },
  };
}

/** Where a click leads: what the panel's file says, or the traces; of the bucket and the series. */
function target(panel, one, from, step) {
  return led(panel, one, { from: String(from), to: String(from + step) });
}

/** Where a series of the legend leads, over the whole range; null where that is where all others lead. */
function goes(panel, one) {
  return one.link || Object.keys(filterOf(panel, one)).length > 0 ? led(panel, one, {}) : null;
}

function led(panel, one, extra) {
  const path = (one?.link ?? panel.open ?? "/traces").replaceAll(/\{\w+\}/g, encodeURIComponent(one?.name ?? ""));
  // What a board's variables are set to means something on that board alone.
  const isHere = path.startsWith("?") || path.split("?")[0] === location.pathname;
  const own = isHere ? Object.fromEntries(query(Object.keys(controls).filter((name) => name.startsWith("var-")))) : {};
  const filters = Object.entries({ ...own, ...filterOf(panel, one) }).filter(([name]) => isHere || !name.startsWith("var-"));
  return kept(path.startsWith("?") ? location.pathname + path : path, { ...Object.fromEntries(filters), ...extra });
}

/** The filter that a series is: what the panel's file says, or a function of that name. */
function filterOf(panel, one) {
  const value = one?.label?.replace(/^limit of /, "");
  if (!value || (NOBODY.includes(value) && !isFunction(value))) return {};
  if (panel.filter) return { [panel.filter]: value };
  return !one.link && isFunction(value) ? { fn: value } : {};
}

/** The length of a bucket: `5 min`. */
function length(ms) {
  const [one, unit] = [[864e5, "day"], [36e5, "h"], [6e4, "min"], [1e3, "s"]].find(([one]) => ms >= one && ms % one === 0) ?? [1e3, "s"];
  return ms === one ? unit : `${ms / one} ${unit}${unit === "day" ? "s" : ""}`;
}

/** `2026-03-10 12:30 – 12:35 UTC` */
export function period(from, step) {
  const seconds = step % 60000 !== 0;
  const [start, end] = [from, from + step].map((at) => time(at, controls.tz, seconds));
  const isDay = start.slice(0, 10) === end.slice(0, 10);
  return `${start} – ${isDay ? end.slice(11) : end} ${zoneName(controls.tz)}`;
}

function describe(panel, { times, currency }, visible) {
  const parts = visible.slice(0, 9).map(({ title, numbers, unit }) => {
    const there = numbers.filter((value) => value !== null);
    if (there.length === 0) return `${title}: no values`;
    const [highest, last] = [Math.max(...there), there.at(-1)].map((value) => format(value, unit, { currency }));
    return `${title}: highest ${highest}, last ${last}`;
  });
  const [from, to] = [times[0], times.at(-1)].map((at) => time(at, controls.tz, false));
  const help = "Arrow keys move through time, Enter shows the calls, Shift and arrow keys choose a range.";
  return `${panel.title}, ${from} to ${to}. ${parts.join("; ")}. ${help}`;
}

/** The same numbers as rows. */
export function seriesTable(panel, answer) {
  const all = series(panel, answer);
  return {
    columns: [
      { name: "bucket", title: `Time (${zoneName(controls.tz)})`, unit: "time" },
      ...all.map(({ name, title, unit }) => ({ name, title, unit })),
    ],
    data: { columns: [
      { name: "bucket", type: "timestamp", values: answer.times.map((at) => new Date(at).toISOString()) },
      ...all.map(({ name, values }) => ({ name, type: "number", values })),
    ], currency: answer.currency },
  };
}
