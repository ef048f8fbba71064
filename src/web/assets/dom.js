// Makes elements. Text is always set as text: what functions are called and say never becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: attributes (`on…` are listeners, null ones are left out), then children. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same of SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A small sample of a series' line or area. */
export function swatch({ color, dash }, isLine) {
  const dashes = { dashed: "4 2", dotted: "1.5 2" }[dash] ?? (Array.isArray(dash) ? "5 2 1.5 2" : null);
  const mark = isLine
    ? svg("line", { x1: 0, y1: 5, x2: 14, y2: 5, stroke: color, "stroke-width": 3, "stroke-dasharray": dashes })
    : svg("rect", { x: 2, width: 10, height: 10, rx: 2, fill: color });
  return svg("svg", { class: "swatch", viewBox: "0 0 14 10", "aria-hidden": "true" }, mark);
}

/** An instant, RFC 3339 of UTC: `clock` or `full`. Every page's script for zones writes it in the zone that was asked for. */
export function moment(instant, part, attributes = {}) {
  const text = instant.replace("T", " ").replace("Z", "");
  return el("time", { datetime: instant, "data-part": part, ...attributes }, part === "clock" ? text.slice(11, 23) : text);
}

/** Says something to screen readers. */
export function announce(text) {
  document.getElementById("said").textContent = text;
}

/** Runs `change` and gives the focus back to the element at the same place, and the place that was scrolled to. */
export function keepFocus(container, change) {
  const focusable = () => [...container.querySelectorAll("a, button, input, [tabindex]")];
  const at = focusable().indexOf(document.activeElement);
  const scrolled = [...container.querySelectorAll(".scroll")].map((part) => [part.scrollLeft, part.scrollTop]);
  change();
  container.querySelectorAll(".scroll").forEach((part, index) => {
    if (scrolled[index]) [part.scrollLeft, part.scrollTop] = scrolled[index];
  });
  if (at >= 0) focusable()[at]?.focus({ preventScroll: true });
}
