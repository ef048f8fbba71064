// The bar of controls: shows what the URL says, and changes it.

import { el } from "./dom.js";
import { time } from "./format.js";
import {
  FILTERS, NAMES, change, controls, filtersSet, fixedFunction, href, onChange, range, refreshSeconds, shifted, toMs, widened,
} from "./state.js";

const form = document.getElementById("controls");
const part = (id) => document.getElementById(id);
let known = null;

/** Sets the bar up; `refresh` asks for data again, `setLive` says whether it is to come by itself. */
export function startBar({ refresh, setLive }) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
    form.querySelectorAll("details[open]").forEach((sheet) => { sheet.open = false; });
  });
  for (const select of form.querySelectorAll("select:not(#variables *)")) select.addEventListener("change", () => change({ [select.name]: select.value }));
  form.addEventListener("click", (event) => follow(event));
  part("refresh").addEventListener("click", refresh);
  part("live").addEventListener("click", () => {
    const isOn = part("live").getAttribute("aria-pressed") !== "true";
    part("live").setAttribute("aria-pressed", String(isOn));
    setLive(isOn);
    show();
  });
  part("more-button").addEventListener("click", () => {
    const isOpen = part("more").classList.toggle("open");
    part("more-button").setAttribute("aria-expanded", String(isOpen));
  });
  part("filter").addEventListener("toggle", () => { if (part("filter").open) suggest(); });
  form.elements.fn?.addEventListener("change", suggestVersions);
  onChange(show);
  show();
}

/** The names of the board's variables. */
function variables() {
  return Object.keys(controls).filter((name) => name.startsWith("var-"));
}

/** Takes the fields of the sheets. */
function apply() {
  const fields = Object.fromEntries(["from", "to", ...FILTERS, ...variables()].map((name) => [name, form.elements[name]]));
  const wrong = [fields.from, fields.to].filter((field) => Number.isNaN(toMs(field.value.trim())));
  for (const field of [fields.from, fields.to]) field.setCustomValidity(wrong.includes(field) ? "Write now, now-6h or 2026-03-01T12:00" : "");
  if (wrong.length > 0) return wrong[0].reportValidity();
  const changes = {};
  for (const [name, field] of Object.entries(fields)) if (field) changes[name] = field.value.trim();
  for (const name of ["from", "to"]) if (changes[name] === shownTime(controls[name])) changes[name] = controls[name];
  if (changes.from !== controls.from || changes.to !== controls.to) changes.step = "auto";
  change(changes);
}

/** Links of the bar change the page in place. */
function follow(event) {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  const moves = { earlier: () => shifted(-1), later: () => shifted(1), wider: widened };
  if (moves[link.id]) {
    const changes = moves[link.id]();
    if (Object.keys(changes).length > 0) change(changes);
    return;
  }
  if (link.dataset.drop) {
    change({ [link.dataset.drop]: "" });
    part("filter").firstElementChild.focus();
    return;
  }
  const given = new URL(link.href).searchParams;
  change({ from: given.get("from") ?? "now-24h", to: given.get("to") ?? "now", step: "auto" });
  part("range").open = false;
  part("range").firstElementChild.focus();
}

function show() {
  for (const name of ["tz", "cmp", "step"]) form.elements[name].value = controls[name];
  for (const name of ["from", "to"]) form.elements[name].value = shownTime(controls[name]);
  for (const name of variables()) form.elements[name].value = controls[name];
  for (const name of FILTERS) if (form.elements[name] && !(name === "fn" && fixedFunction)) form.elements[name].value = controls[name];
  const links = [...part("range").querySelectorAll("li a")];
  for (const link of links) {
    const { from } = link.dataset;
    if (from === controls.from && controls.to === "now") link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    link.href = href({ from, to: "now", step: "auto" });
  }
  const chosen = links.find((link) => link.hasAttribute("aria-current"));
  part("range-label").textContent = chosen ? chosen.textContent : label();
  part("range-label").title = part("range-label").textContent;
  part("later").setAttribute("aria-disabled", String(controls.to === "now"));
  const set = filtersSet();
  part("chips").replaceChildren(...set.map((name) => el("li", {}, el("a", {
    class: "chip", href: href({ [name]: "" }), "data-drop": name, "aria-label": `Remove the filter ${NAMES[name]} ${controls[name]}`,
  }, el("span", {}, `${NAMES[name]} `), controls[name], el("b", { "aria-hidden": "true" }, " ×")))));
  part("more-count").textContent = set.length > 0 ? ` ${set.length}` : "";
  showLive();
}

function showLive() {
  const { live } = range();
  const seconds = refreshSeconds();
  const isOn = part("live").getAttribute("aria-pressed") === "true";
  part("live").hidden = !live;
  part("live").title = isOn ? `Refreshes every ${seconds} s; press to stop` : "Stopped; press to refresh by itself";
}

/** A time of the URL as people read it. */
function shownTime(text) {
  return /^\d{9,}$/.test(text) ? new Date(Number(text)).toISOString().replace(/\.000Z$|Z$/, "Z") : text;
}

function label() {
  const parts = [controls.from, controls.to].map((text) => (text.startsWith("now") ? text : time(toMs(text), controls.tz, false)));
  const isDay = parts[0].slice(0, 10) === parts[1].slice(0, 10) && parts[1].length === 16;
  return `${parts[0]} – ${isDay ? parts[1].slice(11) : parts[1]}`;
}

/** Fills the lists of suggestions; without them the fields are plain. */
async function suggest() {
  const { from, to } = range();
  try {
    const response = await fetch(`/api/v1/filters?from=${Math.round(from)}&to=${Math.round(to)}`);
    if (!response.ok) return;
    known = await response.json();
  } catch {
    return;
  }
  const fill = (id, values) => part(id)?.replaceChildren(...values.map((value) => el("option", { value })));
  fill("tenants", known.tenants ?? []);
  fill("functions", (known.functions ?? []).map(({ name }) => name));
  fill("regions", known.regions ?? []);
  fill("tags", known.tags ?? []);
  suggestVersions();
}

function suggestVersions() {
  const name = fixedFunction || form.elements.fn?.value;
  const versions = (known?.functions ?? []).filter((found) => !name || found.name === name).flatMap((found) => found.versions ?? []);
  part("versions")?.replaceChildren(...[...new Set(versions)].map((value) => el("option", { value })));
}
