// Pointing at charts of time: a crosshair that all of them share, a tooltip, dragging to zoom, clicking and keys. It draws
// with elements above the charts, so that moving the pointer redraws none of them and no tooltip is cut off.

import { announce, el, swatch } from "./dom.js";
import { change } from "./state.js";

/** A drag of fewer pixels is a click. */
const CLICK_PX = 6;
const charts = new Set();
const tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
document.body.append(tip);
addEventListener("scroll", hideTip, { passive: true, capture: true });
addEventListener("pointerdown", ({ target }) => charts.forEach((self) => { if (!self.cross.parentElement.contains(target)) leave(self); }), true);

export function hideTip() {
  tip.hidden = true;
}

/** Shows `{ title, rows: [{ look, name, value, line }], notes }` beside a point of the window. */
export function showTip({ title, rows, notes = [] }, x, y) {
  const line = ({ look, name, value, line, strong }) =>
    el("tr", { class: strong ? "strong" : null },
      el("td", {}, look ? swatch(look, line) : ""), el("th", { scope: "row" }, name), el("td", { class: "n" }, value));
  tip.replaceChildren(
    el("p", {}, title),
    el("table", {}, el("tbody", {}, rows.map(line))),
    ...notes.map((note) => el("p", { class: "note" }, note)),
  );
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = x + 18 + width > innerWidth - 8 ? x - 18 - width : x + 18;
  const top = Math.min(Math.max(8, y - height / 2), innerHeight - height - 8);
  tip.style.transform = `translate(${Math.round(Math.max(8, left))}px, ${Math.round(top)}px)`;
}

function text({ title, rows, notes = [] }) {
  return [title, ...rows.map(({ name, value }) => `${name} ${value}`), ...notes].join("; ");
}

/**
 * Makes `element` answer to the pointer and the keyboard. `chart()` gives, once there is something to point at:
 * `{ place, times, step, content(index, y), marks(index), open(index, y) }`.
 */
export function follow(element, chart) {
  const cross = el("div", { class: "cross", hidden: true });
  const band = el("div", { class: "band", hidden: true });
  const dots = el("div", { class: "dots" });
  element.append(cross, band, dots);
  const self = { chart, cross, band, dots, index: -1, pointed: null, anchor: null };
  charts.add(self);

  const at = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, box };
  };
  const pointAt = (event) => {
    const now = chart();
    if (!now) return;
    const { x, y } = at(event);
    const { plot } = now.place;
    if (x < plot.left - 4 || x > plot.left + plot.width + 4 || y < plot.top - 6 || y > plot.top + plot.height + 6) return leave(self);
    self.pointed = { x: event.clientX, y: event.clientY, inner: y };
    point(self, bucketAt(now, now.place.time(x)));
  };

  let began = null;
  element.addEventListener("pointermove", (event) => {
    if (began === null) return pointAt(event);
    const { x } = at(event);
    const { plot } = chart().place;
    const [left, right] = [Math.min(x, began), Math.max(x, began)].map((x) => clamp(x, plot.left, plot.left + plot.width));
    place(band, { left, top: plot.top, width: right - left, height: plot.height });
    band.hidden = right - left < CLICK_PX;
    if (!band.hidden) leave(self);
  });
  element.addEventListener("pointerdown", (event) => {
    const now = chart();
    // A finger scrolls the page, so it points but neither drags nor opens.
    if (event.pointerType === "touch") return pointAt(event);
    if (!now || event.button !== 0) return;
    const { x, y } = at(event);
    const { plot } = now.place;
    if (y < plot.top || y > plot.top + plot.height || x < plot.left - 4) return;
    began = x;
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointerup", (event) => {
    const now = chart();
    const { x, y } = at(event);
    const from = began;
    began = null;
    band.hidden = true;
    if (!now || from === null) return;
    if (Math.abs(x - from) >= CLICK_PX) return zoom(now, from, x);
    const index = bucketAt(now, now.place.time(x));
    if (index >= 0) now.open(index, y);
  });
  element.addEventListener("pointercancel", () => { began = null; band.hidden = true; });
  element.addEventListener("pointerleave", (event) => { if (began === null && event.pointerType !== "touch") leave(self); });
  element.addEventListener("blur", () => leave(self));
  element.addEventListener("keydown", (event) => key(event, self));
  return {
    /** After a redraw: the crosshair and an open tooltip show what is there now. */
    redrawn: () => { if (self.index >= 0) point(self, Math.min(self.index, (chart()?.times.length ?? 0) - 1)); },
    remove: () => { leave(self); charts.delete(self); cross.remove(); band.remove(); dots.remove(); },
  };
}

function bucketAt({ times, step }, time) {
  return clamp(Math.floor((time - times[0]) / step), 0, times.length - 1);
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

function place(element, { left, top, width, height }) {
  Object.assign(element.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
}

/** Shows the crosshair on all charts, and the tooltip on the one that is pointed at. */
function point(self, index) {
  const now = self.chart();
  if (!now || index < 0) return;
  self.index = index;
  const middle = now.times[index] + now.step / 2;
  for (const other of charts) crosshair(other, middle);
  const { x, y, inner } = self.pointed ?? keyed(self, now, middle);
  self.dots.replaceChildren(...now.marks(index).map(({ y, color }) => {
    const dot = el("i");
    Object.assign(dot.style, { left: `${now.place.x(middle)}px`, top: `${y}px`, background: color });
    return dot;
  }));
  showTip(now.content(index, inner), x, y);
}

function keyed(self, now, middle) {
  const box = self.cross.parentElement.getBoundingClientRect();
  return { x: box.left + now.place.x(middle), y: box.top + box.height / 2, inner: null };
}

function crosshair({ chart, cross }, time) {
  const now = chart();
  const shown = now && time >= now.times[0] && time <= now.times.at(-1) + now.step;
  cross.hidden = !shown;
  if (shown) place(cross, { left: now.place.x(time), top: now.place.plot.top, width: 1, height: now.place.plot.height });
}

function leave(self) {
  if (self.index < 0) return;
  self.index = -1;
  self.pointed = null;
  self.anchor = null;
  self.band.hidden = true;
  self.dots.replaceChildren();
  for (const { cross } of charts) cross.hidden = true;
  hideTip();
}

function zoom({ times, step, place: { time } }, a, b) {
  const [first, last] = [time(Math.min(a, b)), time(Math.max(a, b))].map((at) => bucketAt({ times, step }, at));
  change({ from: String(times[first]), to: String(times[last] + step), step: "auto" });
}

/** Arrows move the crosshair, with Shift they choose a range; Enter zooms into it, or opens the bucket. */
function key(event, self) {
  const now = self.chart();
  if (!now || event.target !== self.cross.parentElement) return;
  const last = now.times.length - 1;
  const from = self.index < 0 ? last + 1 : self.index;
  const page = Math.max(1, Math.round(last / 10));
  const moves = { ArrowLeft: from - 1, ArrowRight: from + 1, PageUp: from - page, PageDown: from + page, Home: 0, End: last };
  if (event.key === "Escape") return leave(self);
  if (event.key === "Enter" && self.index >= 0) {
    if (self.anchor === null) return now.open(self.index, null);
    const [first, end] = [self.anchor, self.index].sort((a, b) => a - b).map((index) => now.place.x(now.times[index] + now.step / 2));
    leave(self);
    return zoom(now, first, end);
  }
  if (!(event.key in moves)) return;
  event.preventDefault();
  self.pointed = null;
  self.anchor = event.shiftKey ? self.anchor ?? clamp(from, 0, last) : null;
  point(self, clamp(moves[event.key], 0, last));
  self.band.hidden = self.anchor === null;
  if (self.anchor !== null) {
    const [first, end] = [self.anchor, self.index].sort((a, b) => a - b);
    const [left, right] = [now.place.x(now.times[first]), now.place.x(now.times[end] + now.step)];
    place(self.band, { ...now.place.plot, left, width: right - left });
  }
  announce(text(now.content(self.index, null)));
}
