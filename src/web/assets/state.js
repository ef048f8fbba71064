// The page's controls: read from the URL, written to it, and nowhere else, so that a link shows what its sender saw.

const DEFAULTS = {
  from: "now-24h", to: "now", tz: "UTC", step: "auto", cmp: "", tenant: "", fn: "", ver: "", region: "", tag: "",
};
/** The filters, and what people call them. */
export const NAMES = { tenant: "tenant", fn: "function", ver: "version", region: "region", tag: "tag" };
export const FILTERS = Object.keys(NAMES);
/** What a link to another page takes along; a step fits one range on one page. */
const KEPT = ["from", "to", "tz", "cmp", ...FILTERS];
/** Pages that are about no range: they take the zone along and nothing else. */
const RANGELESS = /^\/(settings$|reports$|invocations\/|traces\/)/;
const STEPS_S = [10, 60, 300, 900, 3600, 21600, 86400, 604800];
const MAX_POINTS = 300;
const UNITS_MS = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

const listeners = new Set();
/** The controls as they are. */
export const controls = { ...DEFAULTS };
/** The function that the path names: a filter that cannot be taken away. */
export const fixedFunction = pathFunction(location.pathname);

function pathFunction(path) {
  const match = /^\/functions\/([^/]+)$/.exec(path);
  return match ? decodeURIComponent(match[1]) : "";
}

function read() {
  const given = new URLSearchParams(location.search);
  for (const [name, usual] of Object.entries(DEFAULTS)) controls[name] = given.get(name) || usual;
  if (controls.cmp === "none") controls.cmp = "";
  if (fixedFunction) controls.fn = fixedFunction;
}

/** The controls that differ from what is usual, and `extra`, as a query. */
export function query(names = Object.keys(DEFAULTS), extra = {}) {
  const pairs = names.filter((name) => controls[name] !== DEFAULTS[name]).map((name) => [name, controls[name]]);
  return new URLSearchParams([...pairs, ...Object.entries(extra)]);
}

/** `path` with the range and the filters along; what it says itself stays. */
export function kept(path, extra = {}) {
  const url = new URL(path, location.origin);
  const own = new Set(url.searchParams.keys());
  const fixed = pathFunction(url.pathname);
  // A function's page says in its path which one; another function's version means nothing there.
  const dropped = (name) => fixed && (name === "fn" || (name === "ver" && controls.fn !== fixed));
  for (const [name, value] of query(RANGELESS.test(url.pathname) ? ["tz"] : KEPT)) {
    if (!own.has(name) && !dropped(name)) url.searchParams.set(name, value);
  }
  for (const [name, value] of Object.entries(extra)) url.searchParams.set(name, value);
  return url.pathname + url.search + url.hash;
}

/** What else the URL says: a page's own filters. */
function others() {
  const given = [...new URLSearchParams(location.search)];
  return Object.fromEntries(given.filter(([name]) => !(name in DEFAULTS) && name !== "cursor"));
}

/** Changes controls, writes the URL, and tells everyone. */
export function change(changes) {
  Object.assign(controls, changes);
  if (fixedFunction) controls.fn = fixedFunction;
  const names = Object.keys(DEFAULTS).filter((name) => !(name === "fn" && fixedFunction));
  const search = query(names, others()).toString();
  const url = search ? `?${search}` : location.pathname;
  if (url !== (location.search || location.pathname)) history.pushState(null, "", url);
  listeners.forEach((listener) => listener());
}

/** The URL of this page with `changes`. */
export function href(changes) {
  const before = { ...controls };
  Object.assign(controls, changes);
  const search = query(Object.keys(DEFAULTS).filter((name) => !(name === "fn" && fixedFunction)), others()).toString();
  Object.assign(controls, before);
  return search ? `?${search}` : location.pathname;
}

/** The filters that are set and can be taken away. */
export function filtersSet() {
  return FILTERS.filter((name) => controls[name] !== "" && !(name === "fn" && fixedFunction));
}

/** Takes all filters away. */
export function clearFilters() {
  change(Object.fromEntries(filtersSet().map((name) => [name, ""])));
}

/** The board's variables are controls of its page too. */
export function declare(variables) {
  for (const { name, default: usual } of variables) DEFAULTS[`var-${name}`] = usual;
  read();
}

/** Calls `listener` whenever a control has changed. */
export function onChange(listener) {
  listeners.add(listener);
}

/** `now`, `now-6h`, RFC 3339 or milliseconds since 1970, in milliseconds; NaN where it is none of them. */
export function toMs(text, now = Date.now()) {
  const ago = /^now(?:-(\d+(?:\.\d+)?)(ms|s|m|h|d|w))?$/.exec(text);
  if (ago) return now - (ago[1] ? Number(ago[1]) * UNITS_MS[ago[2]] : 0);
  if (/^\d{9,}$/.test(text)) return Number(text);
  return Date.parse(/[zZ]$|[+-]\d\d:\d\d$/.test(text) || !text.includes("T") ? text : `${text}Z`);
}

/** The range in milliseconds, and the seconds of a step, as the server understands them. */
export function range() {
  const [from, to] = [toMs(controls.from), toMs(controls.to)];
  const given = /^(\d+)(s|m|h|d)$/.exec(controls.step);
  const fits = STEPS_S.find((step) => Math.floor((to - from) / 1000 / step) <= MAX_POINTS) ?? STEPS_S.at(-1);
  const step_s = given ? Number(given[1]) * UNITS_MS[given[2]] / 1000 : fits;
  return { from, to, step_s, live: controls.to === "now" };
}

/** The controls of the same length of time, so many half lengths later: at the latest up to now. */
export function shifted(halves) {
  const { from, to, live } = range();
  const by = Math.min(Math.round((to - from) / 2) * halves, Date.now() - to);
  if (by === 0 || (live && halves > 0)) return {};
  return { from: String(Math.round(from + by)), to: String(Math.round(to + by)), step: "auto" };
}

/** The controls of twice the length of time around the same middle, or up to now. */
export function widened() {
  const { from, to, live } = range();
  const length = to - from;
  if (live) return { from: `now-${Math.max(1, Math.round(length * 2 / 60000))}m`, to: "now", step: "auto" };
  const end = Math.min(Date.now(), to + length / 2);
  return { from: String(Math.round(end - 2 * length)), to: String(Math.round(end)), step: "auto" };
}

/** Seconds between two refreshes of a range that ends now. */
export function refreshSeconds() {
  const { from, to } = range();
  const minutes = (to - from) / 60000;
  return minutes <= 15.01 ? 5 : minutes <= 180.01 ? 15 : 60;
}

read();
addEventListener("popstate", () => {
  read();
  listeners.forEach((listener) => listener());
});
