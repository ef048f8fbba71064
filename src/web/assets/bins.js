// Counts by value: heat maps over time, and histograms. Bins that grow are drawn on a scale of orders of magnitude.

import { looks, ramp, token } from "./colors.js";
import { el, svg } from "./dom.js";
import { format } from "./format.js";
import { Shown, drawLegend } from "./legend.js";
import { backdrop, chartIn, frame, layout, linear, logarithmic, timeAxis, valueAxis } from "./plot.js";
import { follow, hideTip, showTip } from "./pointer.js";
import { columnsOf, valuesOf } from "./rows.js";
import { period } from "./series.js";
import { kept, range } from "./state.js";

const SHADES = 9;

/** Whether bins grow with their values. */
function isGrowing(bins) {
  const widths = bins.filter(({ low }) => low > 0).map(({ low, high }) => high - low);
  return widths.length > 1 && Math.max(...widths) > 1.5 * Math.min(...widths);
}

/** The bins of an answer: `{ row, low, high }`, numbers. */
function binsOf(data) {
  const [lows, highs] = [valuesOf(data, "low"), valuesOf(data, "high")].map((values) => values.map(Number));
  return lows.map((low, row) => ({ row, low, high: highs[row] })).filter(({ low, high }) => high > low);
}

function scaleOf(bins, unit, length) {
  const positive = bins.filter(({ low }) => low > 0);
  const highest = Math.max(...bins.map(({ high }) => high));
  if (!isGrowing(bins) || positive.length === 0) return linear(highest, unit, length);
  return logarithmic(Math.min(...positive.map(({ low }) => low)), highest);
}

/** A rectangle between two corners of values, cut off at the plot's edge. */
function rectangle(corner, opposite, plot, style, gap) {
  const [left, right] = [corner[0], opposite[0]].sort((a, b) => a - b).map((x) => Math.min(Math.max(x, plot.left), plot.left + plot.width));
  const [top, bottom] = [corner[1], opposite[1]].sort((a, b) => a - b).map((y) => Math.min(Math.max(y, plot.top), plot.top + plot.height));
  return { type: "rect", shape: { x: left, y: top, width: Math.max(0.5, right - left - gap), height: Math.max(0.5, bottom - top - gap) }, style };
}

/** A heat map of a panel in `body`. */
export function heatView(panel, body) {
  const stage = el("div", { class: "stage", tabindex: 0, role: "application", "aria-roledescription": "heat map" });
  const key = el("p", { class: "shades" });
  const canvas = el("div", { class: "canvas" });
  stage.append(canvas);
  body.replaceChildren(stage, key);
  let chart = null;
  let data = null;
  let drawn = null;
  const pointer = follow(stage, () => drawn);

  function draw() {
    const bins = binsOf(data);
    const at = valuesOf(data, "bucket").map((text) => Date.parse(text));
    const counts = valuesOf(data, "count").map(Number);
    const { from, to, step_s } = range();
    const step = step_s * 1000;
    const first = Math.min(Math.floor(from / step) * step, ...at);
    const last = Math.max(Math.ceil(to / Math.min(step, 60000)) * Math.min(step, 60000), ...at.map((start) => start + step));
    const times = Array.from({ length: Math.ceil((last - first) / step) }, (_, index) => first + index * step);
    const scale = scaleOf(bins, panel.unit, stage.clientHeight);
    const place = layout(stage, scale, panel.unit, first, first + times.length * step);
    const highest = Math.max(1, ...counts);
    const colors = ramp(SHADES);
    const shade = (count) => Math.min(SHADES - 1, Math.floor(Math.sqrt(count / highest) * SHADES));
    if (!chart) chart = chartIn(canvas);
    chart.resize();
    const words = `${panel.title}, by time and value. Most in one cell: ${format(highest, "count")}. Arrow keys move through time.`;
    stage.setAttribute("aria-label", words);
    chart.setOption({
      ...frame(place.plot, words),
      xAxis: timeAxis(first, times.at(-1) + step, place.plot), yAxis: valueAxis(scale, panel.unit),
      series: [{
        id: "cells", type: "custom", silent: true, animation: false, progressive: 0, clip: true,
        data: bins.map(({ row, low, high }) => [at[row], at[row] + step, low, high, counts[row]]),
        renderItem: (_, api) => {
          const [start, end, low, high, count] = [0, 1, 2, 3, 4].map((dimension) => api.value(dimension));
          const corners = [[place.x(start), place.y(low)], [place.x(end), place.y(high)]];
          return rectangle(...corners, place.plot, { fill: colors[shade(count)] }, place.plot.width / times.length > 5 ? 1 : 0);
        },
      }],
    }, { replaceMerge: ["series"] });
    drawKey(key, colors, highest);
    drawn = { times, step, place, marks: () => [], ...pointed(panel, bins, at, counts, times, step, place, { colors, shade }) };
    pointer.redrawn();
  }

  return {
    update(next) { data = next; draw(); },
    redraw() { if (data) draw(); },
    image: () => ({ canvas: chart.renderToCanvas({ pixelRatio: 2, backgroundColor: backdrop() }), keys: [] }),
    remove() { pointer.remove(); chart?.dispose(); },
  };
}

function pointed(panel, bins, at, counts, times, step, place, { colors, shade }) {
  const isIn = (row, index) => at[row] >= times[index] && at[row] < times[index] + step;
  const column = (index) => bins.filter(({ row }) => counts[row] > 0 && isIn(row, index)).sort((a, b) => b.low - a.low);
  return {
    content(index, y) {
      const here = column(index);
      const isHit = ({ low, high }) => y !== null && place.y(high) <= y && y < place.y(low);
      const hit = here.findIndex(isHit);
      const from = Math.max(0, Math.min(hit < 0 ? 0 : hit - 4, here.length - 9));
      const rows = here.slice(from, from + 9).map((bin) => ({
        look: { color: colors[shade(counts[bin.row])] }, name: between(bin, panel.unit), value: format(counts[bin.row], "count"), strong: isHit(bin),
      }));
      const all = here.reduce((sum, { row }) => sum + counts[row], 0);
      return { title: period(times[index], step), rows: [...rows, { name: "all", value: format(all, "count") }] };
    },
    open(index, y) {
      const bin = y === null ? undefined : column(index).find(({ low, high }) => place.y(high) <= y && y < place.y(low));
      const lengths = bin && !panel.open && panel.unit === "nanoseconds"
        ? { min_duration: `${Math.floor(bin.low / 1e6)}ms`, max_duration: `${Math.ceil(bin.high / 1e6)}ms` } : {};
      location.assign(kept(panel.open ?? "/traces", { from: String(times[index]), to: String(times[index] + step), ...lengths }));
    },
  };
}

function between({ low, high }, unit) {
  return `${format(low, unit)} – ${format(high, unit)}`;
}

/** The shades with what they stand for. */
function drawKey(key, colors, highest) {
  const bars = colors.map((color, index) => svg("rect", { x: index * 14, width: 14, height: 8, fill: color }));
  key.replaceChildren(
    el("span", {}, "1"),
    svg("svg", { viewBox: `0 0 ${colors.length * 14} 8`, "aria-hidden": "true" }, bars),
    el("span", {}, format(highest, "count")),
    el("span", { class: "note" }, "calls in a cell"),
  );
}

/** A histogram of a panel in `body`. */
export function histogramView(panel, body) {
  const stage = el("div", { class: "stage", tabindex: 0, role: "img" });
  const canvas = el("div", { class: "canvas" });
  const list = el("ul", { class: "legend keys" });
  stage.append(canvas);
  body.replaceChildren(stage, list);
  const shown = new Shown();
  let chart = null;
  let data = null;
  let pick = () => null;

  function draw() {
    const bins = binsOf(data).sort((a, b) => a.low - b.low);
    const counted = columnsOf({ ...panel, columns: panel.columns.filter(({ name }) => !["low", "high"].includes(name)) }, data)
      .filter(({ name, isNumber }) => isNumber && !["low", "high"].includes(name));
    const found = looks(counted.map(({ name, color }) => ({ name, color: color ?? (counted.length === 1 ? "handler" : undefined) })));
    const all = counted.map((column, index) => ({ ...column, look: found[index] }));
    drawLegend(list, all, shown, false, { redraw: draw, point: () => {} });
    list.hidden = all.length < 2;
    const visible = all.filter(({ name }) => shown.has(name));
    const highest = Math.max(0, ...visible.flatMap(({ values }) => bins.map(({ row }) => Number(values[row] ?? 0))));
    const across = scaleOf(bins, panel.unit, stage.clientWidth / 2);
    const up = linear(highest, "count", stage.clientHeight);
    const { plot, y } = layout(stage, up, "count", 0, 1);
    const x = (value) => plot.left + across.at(value) * plot.width;
    if (!chart) chart = chartIn(canvas);
    chart.resize();
    const sum = (values) => bins.reduce((sum, { row }) => sum + Number(values[row] ?? 0), 0);
    const words = `${panel.title}: ${visible.map(({ title, values }) => `${title} ${format(sum(values), "count")}`).join("; ")}.`;
    stage.setAttribute("aria-label", words);
    const axisLine = { show: true, lineStyle: { color: token("grid-line") } };
    const ticks = { ...valueAxis(across, panel.unit), splitLine: { show: false }, axisLine };
    chart.setOption({
      ...frame(plot, words), xAxis: ticks, yAxis: valueAxis(up, "count"),
      series: visible.map(({ name, values, look }) => ({
        id: name, type: "custom", silent: true, animation: false, progressive: 0,
        data: bins.map(({ row, low, high }) => [low, high, Number(values[row] ?? 0)]),
        renderItem: (_, api) => {
          const [low, high, count] = [0, 1, 2].map((dimension) => api.value(dimension));
          if (!(count > 0)) return null;
          return rectangle([x(low), y(0)], [x(high), y(count)], plot, { fill: look.color, opacity: visible.length > 1 ? 0.7 : 0.9 }, 1);
        },
      })),
    }, { replaceMerge: ["series"] });
    pick = (at) => {
      const bin = at < plot.left ? undefined : bins.find(({ low, high }) => x(low) <= at && at < x(high));
      const row = ({ title, look, values }) => ({ look, name: title, value: format(values[bin.row], "count") });
      return bin && { title: between(bin, panel.unit), rows: visible.map(row) };
    };
  }

  stage.addEventListener("pointermove", (event) => {
    const content = pick(event.clientX - stage.getBoundingClientRect().left);
    if (content) showTip(content, event.clientX, event.clientY);
    else hideTip();
  });
  stage.addEventListener("pointerleave", hideTip);

  return {
    update(next) { data = next; draw(); },
    redraw() { if (data) draw(); },
    image: () => ({ canvas: chart.renderToCanvas({ pixelRatio: 2, backgroundColor: backdrop() }), keys: [] }),
    remove() { hideTip(); chart?.dispose(); },
  };
}
