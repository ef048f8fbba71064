// Fills a board: asks for its data, hands each line to its panel as it arrives, and asks again as long as the range ends now.

import { startBar } from "./bar.js";
import { know } from "./colors.js";
import { el } from "./dom.js";
import { time, zoneName } from "./format.js";
import { createPanel } from "./panel.js";
import { NAMES, change, clearFilters, controls, declare, filtersSet, fixedFunction, onChange, query, range, refreshSeconds } from "./state.js";
import { Refused, load } from "./stream.js";

const { board, functions, server } = JSON.parse(document.getElementById("board").textContent);
/** How long before an unreachable server is asked again: at first, and at most, seconds. */
const [RETRY_S, RETRY_AT_MOST_S] = [2, 30];
/** Panels this far below what can be seen are drawn already. */
const NEAR = "400px 0px";

know(functions);
declare(board.variables);
let markers = [];
let running = null;
let timer = null;
let failures = 0;
let isLive = true;
let lastGood = null;
const waiting = [];
const page = { board, markers: () => markers, retry: (id) => ask([id]), later };
const panels = new Map(board.panels.map((panel) => [panel.id, createPanel(panel, document.getElementById(`panel-${panel.id}`), page)]));

/** Asks for all panels, or for some; `isQuiet` where what is shown is still the answer to what was asked. */
async function ask(only = [], isQuiet = false) {
  running?.abort();
  clearTimeout(timer);
  const own = new AbortController();
  running = own;
  const wanted = only.length > 0 ? only.map((id) => panels.get(id)) : [...panels.values()];
  if (!isQuiet) wanted.forEach((panel) => panel.wait());
  document.getElementById("refresh").classList.add("busy");
  const asked = query();
  only.forEach((id) => asked.append("panel", id));
  try {
    await load(`/api/v1/dashboards/${encodeURIComponent(board.name)}/data?${asked}`, own.signal, receive);
    wanted.forEach((panel) => panel.end());
    failures = 0;
    lastGood = Date.now();
    say(null);
    if (only.length === 0) overall();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Refused)) throw error;
    failed(error, wanted);
  } finally {
    if (running === own) {
      running = null;
      document.getElementById("refresh").classList.remove("busy");
      schedule();
    }
  }
}

function receive(line) {
  if (line.markers) {
    markers = line.markers;
    panels.forEach((panel) => panel.redraw());
  } else {
    panels.get(line.panel)?.receive(line);
  }
}

/** Draws a panel that cannot be seen yet once there is nothing else to do: those that can be seen come first. */
function later(panel) {
  waiting.push(panel);
  if (waiting.length > 1) return;
  const next = () => {
    waiting.shift()?.come();
    if (waiting.length > 0) idle(next);
  };
  idle(next);
}

function idle(work) {
  requestIdleCallback(work, { timeout: 500 });
}

/** The next refresh, or the next attempt to reach the server. */
function schedule() {
  clearTimeout(timer);
  const seconds = failures > 0 ? Math.min(RETRY_AT_MOST_S, RETRY_S * 2 ** (failures - 1)) : refreshSeconds();
  if (document.hidden || (failures === 0 && !(isLive && range().live))) return;
  timer = setTimeout(() => ask([], true), seconds * 1000);
}

function failed(error, wanted) {
  const isLost = error.status === 0 || error.status >= 502;
  failures = isLost ? failures + 1 : 0;
  wanted.forEach((panel) => panel.settle());
  const shows = lastGood === null ? "" : ` What is shown is of ${time(lastGood, controls.tz)} ${zoneName(controls.tz)}.`;
  say(isLost ? `${error.message}${shows} Trying again.` : `${error.message}${shows}`, error.status === 400);
}

/** A notice above all panels; `canReset` offers the usual range. */
function say(text, canReset = false) {
  const banner = document.getElementById("banner");
  const shown = banner.firstElementChild?.textContent ?? "";
  if (shown === (text ?? "")) return;
  const reset = () => change({ from: "now-24h", to: "now", step: "auto", cmp: "" });
  const button = canReset ? el("button", { type: "button", onclick: reset }, "Last 24 h") : "";
  banner.replaceChildren(...(text === null ? [] : [el("p", {}, text), button]));
  banner.hidden = text === null;
}

/** Says why a whole board is empty: nothing deployed, nothing called, or nothing that the filters let through. */
function overall() {
  const place = document.getElementById("empty");
  const isEmpty = panels.size > 0 && [...panels.values()].every((panel) => panel.isEmpty());
  const set = filtersSet();
  place.hidden = !isEmpty;
  document.getElementById("panels").classList.toggle("nothing", isEmpty);
  if (!isEmpty) return;
  const command = (text) => el("pre", {}, el("code", {}, text));
  const callable = fixedFunction || functions[0];
  if (functions.length === 0) {
    place.replaceChildren(
      el("h2", {}, "Nothing is deployed yet"), el("p", {}, "Deploy a function, a WebAssembly file or its text:"),
      command(`faremeter deploy hello hello.wasm --server http://${server}`),
      el("p", {}, "and call it:"), command(`curl -i http://${server}/fn/hello`));
  } else if (set.length > 0) {
    place.replaceChildren(
      el("h2", {}, "Nothing matches the filters"),
      el("p", {}, `No call of this range has ${set.map((name) => `${NAMES[name]} ${controls[name]}`).join(", ")}.`),
      el("button", { type: "button", onclick: clearFilters }, "Clear the filters"));
  } else {
    const wider = () => change({ from: "now-30d", to: "now", step: "auto" });
    place.replaceChildren(
      el("h2", {}, "Nothing was called in this range"),
      el("p", {}, "Call a function, and it is here within seconds:"), command(`curl -i http://${server}/fn/${callable}`),
      controls.from === "now-30d" ? "" : el("button", { type: "button", onclick: wider }, "Look at the last 30 days"));
  }
}

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    panels.get(target.id.slice("panel-".length)).come();
  }
}, { rootMargin: NEAR });
let settling = 0;
const sizes = new ResizeObserver(() => {
  cancelAnimationFrame(settling);
  settling = requestAnimationFrame(() => panels.forEach((panel) => panel.redraw()));
});
for (const id of panels.keys()) near.observe(document.getElementById(`panel-${id}`));
sizes.observe(document.getElementById("panels"));

const redrawAll = () => panels.forEach((panel) => panel.redraw());
document.addEventListener("faremeter:theme", redrawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else if (failures > 0 || (isLive && range().live)) ask([], true);
});
startBar({ refresh: () => ask([], true), setLive: (isOn) => { isLive = isOn; schedule(); } });
onChange(() => ask());
ask();
