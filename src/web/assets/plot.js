// What all drawn charts share: the frame around the plot, the axes, and where a time or a value is in pixels. The scales
// are set here and not left to the library, so that tooltips and crosshairs know them too.

import { isDark, token } from "./colors.js";
import { niceScale, tick } from "./format.js";
import { controls } from "./state.js";

const STILL = { animation: false };
const pen = document.createElement("canvas").getContext("2d");
const MARGIN = { top: 10, right: 10, bottom: 24 };

/** The width of a text in the charts' letters, pixels. */
export function textWidth(text) {
  pen.font = `11px ${family()}`;
  return Math.ceil(pen.measureText(text).width);
}

function family() {
  return getComputedStyle(document.body).fontFamily;
}

/** A scale of values from 0 on: `{ min, max, ticks, at }`, `at` being the share of the height. */
export function linear(highest, unit, height) {
  const { max, interval } = niceScale(highest, unit, Math.max(2, Math.min(5, Math.round(height / 48))));
  const count = Math.round(max / interval);
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * interval);
  return { type: "value", min: 0, max, ticks, at: (value) => value / max };
}

/** A scale of orders of magnitude between two values above 0. */
export function logarithmic(lowest, highest) {
  let [min, max] = [lowest / 1.15, highest * 1.15];
  if (max / min < 4) [min, max] = [min / 2, max * 2];
  const decades = Math.log10(max / min);
  const factors = decades > 4.5 ? [1] : decades > 2.2 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power += 1) {
    ticks.push(...factors.map((factor) => factor * 10 ** power).filter((value) => value >= min && value <= max));
  }
  return { type: "log", min, max, ticks, at: (value) => Math.log(Math.max(value, min) / min) / Math.log(max / min) };
}

/** Where things are in a chart of this size: the plot, and pixels of times and values. */
export function layout(element, scale, unit, first, last) {
  const labels = scale.ticks.map((value) => textWidth(tick(value, unit)));
  const left = Math.max(28, ...labels) + 12;
  const plot = {
    left, top: MARGIN.top,
    width: Math.max(20, element.clientWidth - left - MARGIN.right),
    height: Math.max(20, element.clientHeight - MARGIN.top - MARGIN.bottom),
  };
  return {
    plot,
    x: (time) => plot.left + (time - first) / (last - first) * plot.width,
    time: (x) => first + (x - plot.left) / plot.width * (last - first),
    y: (value) => plot.top + (1 - scale.at(value)) * plot.height,
  };
}

/** The parts of an option that every chart has. */
export function frame(plot, description) {
  const motion = STILL;
  return {
    ...motion,
    useUTC: controls.tz !== "local",
    textStyle: { fontFamily: family(), fontSize: 11, color: token("soft") },
    grid: { left: plot.left, top: plot.top, width: plot.width, height: plot.height, containLabel: false },
    aria: { enabled: true, label: { description } },
  };
}

const line = () => ({ lineStyle: { color: token("grid-line"), width: 1 } });

/** An axis of values. */
export function valueAxis(scale, unit) {
  return {
    type: scale.type, min: scale.min, max: scale.max, logBase: 10,
    interval: scale.type === "value" ? scale.ticks[1] - scale.ticks[0] : undefined,
    axisLabel: {
      color: token("soft"), margin: 8, customValues: scale.ticks, hideOverlap: true,
      formatter: (value) => tick(Number(value.toPrecision(12)), unit),
    },
    axisTick: { show: false, customValues: scale.ticks },
    axisLine: { show: false },
    splitLine: { show: true, ...line() },
    minorTick: { show: false },
  };
}

/** An axis of time. */
export function timeAxis(first, last, plot) {
  const strong = { fontWeight: "bold", color: token("text") };
  return {
    type: "time", min: first, max: last, splitNumber: Math.max(2, Math.round(plot.width / 110)),
    axisLabel: {
      color: token("soft"), hideOverlap: true, showMinLabel: false, showMaxLabel: false, rich: { day: strong },
      formatter: {
        year: "{day|{yyyy}}", month: "{day|{MMM} {yyyy}}", day: "{day|{MMM} {d}}", hour: "{HH}:{mm}", minute: "{HH}:{mm}",
        second: "{HH}:{mm}:{ss}", millisecond: "{HH}:{mm}:{ss}", none: "{HH}:{mm}:{ss}",
      },
    },
    axisTick: { show: true, length: 4, lineStyle: { color: token("grid-line") } },
    axisLine: { show: true, lineStyle: { color: token("grid-line") } },
    splitLine: { show: false },
  };
}

/** A chart in `element`, or null where the library is not there. */
export function chartIn(element) {
  return globalThis.echarts.init(element, null, { renderer: "canvas" });
}

/** What lies behind a drawing that is saved. */
export function backdrop() {
  return token("card") || (isDark() ? "#000" : "#fff");
}
