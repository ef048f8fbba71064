// Writes quantities for people, by the same rules as the pages that the server renders: three digits that matter,
// rounded down, a unit, thousands apart. Exact values stay text to the last digit.

export const NONE = "—";
const APART = "\u202f";
const DURATIONS = [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"]];
const BYTES = [[1024, "KB"], [1024 ** 2, "MB"], [1024 ** 3, "GB"], [1024 ** 4, "TB"]];
/** A whole number's digits, thousands apart. */
function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, APART);
}

/** A text whose whole numbers of five and more digits stand thousands apart. */
export function apart(text) {
  return text.replace(/(?<![\d.])\d{5,}(?![\d.])/g, grouped);
}

/** Three digits that matter, rounded down; whole numbers of four and more digits stay whole. */
export function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const decimals = size >= 100 ? 0 : Math.min(12, 2 - Math.floor(Math.log10(size)));
  const scaled = Math.floor(size * 10 ** decimals * (1 + 1e-12));
  const [whole, rest = ""] = (scaled / 10 ** decimals).toFixed(decimals).split(".");
  const trimmed = rest.replace(/0+$/, "");
  return (value < 0 ? "−" : "") + grouped(whole) + (trimmed && `.${trimmed}`);
}

function scaled(value, steps) {
  const size = Math.abs(value);
  const [size_of_one, unit] = steps.findLast(([from]) => size >= from * (1 - 1e-12)) ?? steps[0];
  return `${digits(value / size_of_one)} ${unit}`;
}

function duration(nanos) {
  const size = Math.abs(nanos);
  if (size < 60e9) return scaled(nanos, DURATIONS);
  const sign = nanos < 0 ? "−" : "";
  const seconds = Math.floor(size / 1e9);
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 172800) return `${sign}${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${sign}${grouped(String(Math.floor(seconds / 86400)))} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/** An amount cut to what matters: two decimals from 1 on, else the first three digits that are not 0. */
function amount(exact, currency) {
  const [, sign, whole, decimals = ""] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(plain(exact)) ?? [];
  if (whole === undefined) return String(exact);
  const zeros = /^0*$/.test(whole) ? /^0*/.exec(decimals)[0].length : -1;
  const kept = decimals.slice(0, zeros < 0 ? 2 : Math.max(2, zeros + 3)).replace(/0+$/, "");
  const cents = kept.length === 1 ? `${kept}0` : kept;
  return `${sign && "−"}${grouped(whole)}${cents && `.${cents}`}${currency ? `${APART}${currency}` : ""}`;
}

/** A price with all of its digits: cut, it would not give the amount that it is charged with. */
function price(exact, currency) {
  const [whole, decimals = ""] = plain(exact).split(".");
  const kept = decimals.replace(/0+$/, "");
  return `${grouped(whole)}${kept && `.${kept}`}${currency ? `${APART}${currency}` : ""}`;
}

/** A number's digits without an exponent. */
function plain(value) {
  if (typeof value === "string") return value.trim();
  if (Number.isInteger(value)) return value.toFixed(0);
  const decimals = Math.min(30, Math.max(0, 11 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(decimals).replace(/\.?0+$/, "");
}

/** A point in time: `2026-03-10 12:34:56`, in UTC or in the browser's own zone. */
export function time(value, zone, withSeconds = true) {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return String(value);
  const shifted = zone === "local" ? new Date(at.getTime() - at.getTimezoneOffset() * 60000) : at;
  const text = shifted.toISOString().replace("T", " ");
  return text.slice(0, withSeconds ? 19 : 16);
}

/** What the zone of the controls is called. */
export function zoneName(zone) {
  return zone === "local" ? Intl.DateTimeFormat().resolvedOptions().timeZone : "UTC";
}

/** `value` in `unit`, short. A value that there is not is a dash, never 0. */
export function format(value, unit = "none", { currency = "", zone = "UTC" } = {}) {
  if (value === null || value === undefined || value === "") return NONE;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") return entries(value);
  if (unit === "time") return time(value, zone);
  const number = Number(value);
  if (unit === "text" || Number.isNaN(number)) return String(value);
  if (!Number.isFinite(number)) return NONE;
  switch (unit) {
    case "count": return Number.isInteger(number) ? grouped(String(number)).replace("-", "−") : digits(number);
    case "share": return `${digits(number * 100)} %`;
    case "nanoseconds": return duration(number);
    case "milliseconds": return duration(number * 1e6);
    case "bytes": return Math.abs(number) < 1024 ? `${digits(number)} B` : scaled(number, BYTES);
    case "megabytes": return `${digits(number)} MB`;
    case "money": return amount(value, currency);
    case "price": return price(value, currency);
    case "per-second": return `${digits(number)}/s`;
    default: return digits(number);
  }
}

function entries(map) {
  const parts = Object.entries(map).map(([key, value]) => `${key}=${value}`);
  return parts.length > 0 ? parts.join(", ") : NONE;
}

/** `value` with every digit that came, for titles and for views of the data. */
export function exact(value, unit = "none", { currency = "", zone = "UTC" } = {}) {
  if (value === null || value === undefined || typeof value !== "number" && typeof value !== "string") return format(value, unit);
  if (unit === "time") return `${value}${zone === "local" ? ` (${time(value, zone)} ${zoneName(zone)})` : ""}`;
  const names = { nanoseconds: "ns", milliseconds: "ms", bytes: "bytes", megabytes: "MB", money: currency, price: currency, "per-second": "/s" };
  if (unit === "text" || Number.isNaN(Number(value))) return String(value);
  return [String(value), names[unit] ?? ""].join(" ").trim();
}

/** For axes: as `format`, but large counts in thousands and millions. */
export function tick(value, unit) {
  if (["none", "count", "per-second"].includes(unit) && Math.abs(value) >= 1e4) {
    const [of, sign] = Math.abs(value) >= 1e9 ? [1e9, " G"] : Math.abs(value) >= 1e6 ? [1e6, " M"] : [1e3, " k"];
    return digits(value / of) + sign + (unit === "per-second" ? "/s" : "");
  }
  return format(value, unit);
}

/** How `now` differs from `before`: `{ sign, text, title }`, in points for shares, else in percent; null where it cannot be said. */
export function difference(now, before, unit, options) {
  if ([now, before].some((value) => value === null || value === undefined || Number.isNaN(Number(value)))) return null;
  const change = Number(now) - Number(before);
  const size = Math.abs(change);
  const absolute = unit === "share" ? `${digits(size * 100)} pt` : format(unit === "money" ? plain(size) : size, unit, options);
  const relative = Number(before) === 0 ? null : size / Math.abs(Number(before));
  const percent = relative === null ? absolute : relative >= 10 ? `×${digits(Number(now) / Number(before))}` : `${digits(relative * 100)} %`;
  const text = unit === "share" ? absolute : percent;
  const sign = text.startsWith("0 ") && relative !== null && relative < 1e-3 ? 0 : Math.sign(change);
  return { sign, text: sign === 0 ? "unchanged" : text, absolute: `${change < 0 ? "−" : "+"}${absolute}` };
}

/** Orders values of a column: numbers and decimals by size, text by letters, nothing last. */
export function compare(a, b) {
  const [noA, noB] = [a, b].map((value) => value === null || value === undefined);
  if (noA || noB) return Number(noA) - Number(noB);
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y) && x !== y) return x - y;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

/** Ticks of a linear axis from 0: `{ max, interval }`, round in the unit that is shown. */
export function niceScale(highest, unit, ticks = 4) {
  if (!(highest > 0)) return { max: 1, interval: unit === "share" ? 0.25 : 1 };
  const scale = unit === "milliseconds" ? 1e6 : 1;
  const size = highest * scale;
  const steps = { nanoseconds: DURATIONS, milliseconds: DURATIONS, bytes: BYTES }[unit] ?? [[1, ""]];
  const minutes = steps === DURATIONS ? [[60e9, "min"], [3600e9, "h"]] : [];
  const one = ([...steps, ...minutes].findLast(([from]) => size >= from) ?? steps[0])[0];
  const found = [ticks, ticks - 1, ticks + 1].map((count) => {
    const rough = size / one / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 2.5, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
    const interval = (unit === "count" ? Math.max(1, Math.ceil(step)) : step) * one / scale;
    return { interval, max: Math.ceil(highest / interval - 1e-9) * interval };
  });
  return found.reduce((best, other) => (other.max < best.max * (1 - 1e-9) ? other : best));
}
