// The chart of traces: durations against time. A click opens a trace, a drag chooses a time and a length.

import { token } from "./colors.js";
import { announce, el } from "./dom.js";
import { exact, format, time, zoneName } from "./format.js";
import { chartIn, frame, layout, logarithmic, timeAxis, valueAxis } from "./plot.js";
import { hideTip, showTip } from "./pointer.js";
import { controls, kept } from "./state.js";

const [NEAR_PX, CLICK_PX] = [14, 6];
const card = document.getElementById("scatter");

async function start() {
  const body = card.querySelector(".body");
  const asked = new URLSearchParams(location.search);
  ["cursor", "limit"].forEach((name) => asked.delete(name));
  const response = await fetch(`/api/v1/traces/scatter?${asked}`).catch(() => null);
  const data = await response?.json().catch(() => null);
  card.removeAttribute("aria-busy");
  if (!response?.ok || !data) {
    body.replaceChildren(el("p", { class: "failed", role: "alert" }, data?.detail ?? "The server cannot be reached."));
    return;
  }
  const isAny = data.points.some(({ failed }) => failed);
  document.getElementById("scatter-note").textContent = [isAny ? "▲ failed" : "", data.notice ?? ""].filter(Boolean).join(" · ");
  if (data.points.length === 0) body.replaceChildren(el("p", { class: "says notice none" }, "No duration is known."));
  else draw(body, data);
}

function draw(body, { points, from, to }) {
  const stage = el("div", { class: "stage", tabindex: 0, role: "application", "aria-roledescription": "chart" });
  const canvas = el("div", { class: "canvas" });
  const band = el("div", { class: "band whole", hidden: true });
  const ring = el("div", { class: "ring", hidden: true });
  stage.append(canvas, band, ring);
  body.replaceChildren(stage);
  const chart = chartIn(canvas);
  // What was turned away took no time at all, which a scale of orders of magnitude has no place for: it is drawn at its foot.
  const lengths = points.map(({ duration_ns: length }) => length).filter((length) => length > 0);
  const shortest = lengths.length > 0 ? Math.min(...lengths) : 1;
  const scale = logarithmic(shortest, Math.max(shortest, ...lengths));
  const height = ({ duration_ns: length }) => Math.max(length, scale.min);
  const title = `Durations of ${points.length} traces, from ${format(shortest, "nanoseconds")} to ${format(Math.max(shortest, ...lengths), "nanoseconds")}. Arrow keys go through them, Enter opens one.`;
  stage.setAttribute("aria-label", title);
  let place = null;
  let at = -1;
  let began = null;

  function paint() {
    chart.resize();
    place = layout(stage, scale, "nanoseconds", from, to);
    const dots = (failed, name, color, symbol, size) => ({
      name, type: "scatter", symbol, symbolSize: size, silent: true, animation: false, itemStyle: { color: token(color), opacity: 0.7 },
      data: points.filter((point) => point.failed === failed).map((point) => [point.time, height(point)]),
    });
    chart.setOption({
      ...frame(place.plot, title), xAxis: timeAxis(from, to, place.plot), yAxis: valueAxis(scale, "nanoseconds"),
      series: [dots(false, "well", "bar", "circle", 6), dots(true, "failed", "bad-mark", "triangle", 9)],
    }, { replaceMerge: ["series"] });
    at = -1;
    ring.hidden = true;
  }

  const spot = (point) => ({ x: place.x(point.time), y: place.y(height(point)) });
  const inside = (event) => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  function nearest({ x, y }) {
    let found = -1;
    let best = NEAR_PX ** 2;
    points.forEach((point, index) => {
      const { x: px, y: py } = spot(point);
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far < best) [found, best] = [index, far];
    });
    return found;
  }

  function show(index) {
    at = index;
    ring.hidden = index < 0;
    if (index < 0) return hideTip();
    const point = points[index];
    const { x, y } = spot(point);
    Object.assign(ring.style, { left: `${x}px`, top: `${y}px` });
    const box = stage.getBoundingClientRect();
    const rows = [{ name: "took", value: format(point.duration_ns, "nanoseconds") }, { name: "", value: point.failed ? "failed" : "well" }];
    showTip({ title: `${time(point.time, controls.tz)} ${zoneName(controls.tz)}`, rows, notes: [point.function, point.trace_id] }, box.left + x, box.top + y);
    return point;
  }

  const open = (index) => { if (index >= 0) location.assign(kept(`/traces/${points[index].trace_id}`)); };

  /** The page of the traces in a rectangle. */
  function zoom(a, b) {
    const { plot } = place;
    const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)].map((x) => Math.round(place.time(Math.min(Math.max(x, plot.left), plot.left + plot.width))));
    const length = (y) => scale.min * (scale.max / scale.min) ** (1 - Math.min(Math.max((y - plot.top) / plot.height, 0), 1));
    const [shortest, longest] = [Math.max(a.y, b.y), Math.min(a.y, b.y)].map(length);
    const asked = new URLSearchParams(location.search);
    asked.delete("cursor");
    asked.set("from", String(left));
    asked.set("to", String(Math.max(right, left + 1000)));
    // A drag along the axis of time chooses a time alone.
    if (Math.abs(a.y - b.y) >= 4 * CLICK_PX) {
      asked.set("min_duration", `${Math.floor(shortest / 1e6)}ms`);
      asked.set("max_duration", `${Math.ceil(longest / 1e6)}ms`);
    }
    location.assign(`/traces?${asked}`);
  }

  stage.addEventListener("pointermove", (event) => {
    const here = inside(event);
    if (began === null) { show(nearest(here)); return; }
    const [left, top] = [Math.min(here.x, began.x), Math.min(here.y, began.y)];
    Object.assign(band.style, { left: `${left}px`, top: `${top}px`, width: `${Math.abs(here.x - began.x)}px`, height: `${Math.abs(here.y - began.y)}px` });
    band.hidden = Math.abs(here.x - began.x) < CLICK_PX;
    if (!band.hidden) show(-1);
  });
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") { show(nearest(inside(event))); return; }
    if (event.button !== 0) return;
    began = inside(event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointerup", (event) => {
    const from = began;
    began = null;
    band.hidden = true;
    if (from === null) return;
    const here = inside(event);
    if (Math.abs(here.x - from.x) >= CLICK_PX) zoom(from, here);
    else open(nearest(here));
  });
  stage.addEventListener("pointercancel", () => { began = null; band.hidden = true; });
  stage.addEventListener("pointerleave", () => { if (began === null) show(-1); });
  stage.addEventListener("blur", () => show(-1));
  stage.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") open(at);
    if (key === "Escape") show(-1);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const point = show(at < 0 ? (step > 0 ? 0 : points.length - 1) : Math.min(Math.max(at + step, 0), points.length - 1));
    announce(`${point.function}, ${time(point.time, controls.tz)}, ${exact(point.duration_ns, "nanoseconds")}${point.failed ? ", failed" : ""}`);
  });
  paint();
  let settling = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(settling);
    settling = requestAnimationFrame(paint);
  }).observe(stage);
  document.addEventListener("faremeter:theme", paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

if (card) start();
