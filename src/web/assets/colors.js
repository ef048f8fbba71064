// Colours of series: the same name has the same colour on every panel and page. The hues can be told apart by people who
// confuse red and green; where there are more names than hues, the line's dashes tell them apart.

const LIGHT = ["#2f6fde", "#c96a0a", "#0d8f7d", "#8250df", "#cc3d78", "#8f7700", "#1286ad", "#96603b", "#4b8f24", "#5e6b80"];
const DARK = ["#5b9bff", "#f5a342", "#41c7a4", "#a98bff", "#f27fae", "#dfcb4c", "#4cc6e6", "#cf9f7c", "#94d36c", "#9aa7bb"];
const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3]];
/** Names that mean the same everywhere: the style sheet's colours. */
const MEANINGS = {
  queue: "queue", load: "load", compile: "compile", instantiate: "instantiate", init: "init", handler: "handler",
  good: "good-mark", ok: "good-mark", bad: "bad-mark", error: "bad-mark", errors: "bad-mark", warn: "warn-mark", throttled: "warn-mark",
  timeout: "timeout", timeouts: "timeout", out_of_memory: "memory", platform_error: "platform", platform_errors: "platform",
  calm: "queue", bar: "bar", other: "queue", none: "queue", cold: "init", warm: "handler", provisioned: "instantiate",
};
const PERCENTILES = [[/p50|median/i, 2], [/p9[05]/i, 0], [/p99/i, 4], [/max/i, 9]];

let functions = new Map();

/** Tells the functions in the order in which they were deployed: each takes the next hue. */
export function know(names) {
  functions = new Map(names.map((name, index) => [name, index]));
}

/** Whether this is the name of a function. */
export function isFunction(name) {
  return functions.has(name);
}

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The style sheet's colour of this name. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function hash(text) {
  let value = 2166136261;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0), 16777619) >>> 0;
  return value;
}

/** The place in the palette that a name would like: `{ slot, fixed }`. */
function wish(name) {
  if (functions.has(name)) return { slot: functions.get(name), fixed: true };
  const percentile = PERCENTILES.find(([pattern]) => pattern.test(name));
  if (percentile) return { slot: percentile[1], fixed: true };
  if (/^v?\d{1,6}$/.test(name)) return { slot: Number(name.replace("v", "")), fixed: true };
  return { slot: hash(name) % LIGHT.length, fixed: false };
}

/** A look for each of a panel's series, given as `{ name, color }`: `{ color, dash }`. */
export function looks(series) {
  const palette = isDark() ? DARK : LIGHT;
  const taken = new Set();
  return series.map(({ name, color }) => {
    const meaning = MEANINGS[color] ?? MEANINGS[name];
    // Limits are dashed, and a function's limit has the function's colour.
    const isLimit = /limit/i.test(name);
    if (meaning) return { color: token(meaning), dash: isLimit ? "dashed" : name === "other" ? "dotted" : "solid" };
    let { slot, fixed } = wish(name.replace(/^limit of /, ""));
    // Names without a fixed place move on when theirs is taken, so that no two series of a panel look the same.
    for (let tries = 0; !fixed && taken.has(slot % palette.length) && tries < palette.length; tries += 1) slot += 1;
    taken.add(slot % palette.length);
    const round = fixed ? Math.floor(slot / palette.length) : 0;
    return { color: palette[slot % palette.length], dash: isLimit ? "dashed" : DASHES[round % DASHES.length] };
  });
}

const COOL = { light: ["#eef4fc", "#9cc3f2", "#3f83d6", "#1b3f8f", "#1a1046"], dark: ["#15233c", "#1f4f8c", "#2f9aa8", "#8fd46a", "#fdf06b"] };

/** `count` colours from few to many. */
export function ramp(count) {
  const stops = COOL[isDark() ? "dark" : "light"].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: count }, (_, index) => {
    const place = index / (count - 1) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const mixed = stops[low].map((part, channel) => Math.round(part + (stops[low + 1][channel] - part) * (place - low)));
    return `rgb(${mixed.join(",")})`;
  });
}
