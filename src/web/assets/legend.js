// The legend of a chart: a button for each series. A click shows that one alone, another shows all again; with Ctrl or Shift
// it is added or taken away.

import { el, swatch } from "./dom.js";

/** Names that are shown alone: none means all. */
export class Shown {
  #alone = new Set();

  has(name) {
    return this.#alone.size === 0 || this.#alone.has(name);
  }

  /** Takes the click on `name`; `names` are all that there are. */
  choose(name, names, isAdding) {
    if (isAdding) {
      if (this.#alone.size === 0) this.#alone = new Set(names);
      if (!this.#alone.delete(name)) this.#alone.add(name);
      if (this.#alone.size === names.length) this.#alone.clear();
    } else if (this.#alone.size === 1 && this.#alone.has(name)) {
      this.#alone.clear();
    } else {
      this.#alone = new Set([name]);
    }
  }

  /** Forgets names that are no more, so that what is shown is never nothing. */
  prune(names) {
    const there = new Set(names);
    for (const name of this.#alone) if (!there.has(name)) this.#alone.delete(name);
  }
}

/**
 * Fills `list` with `series`: `{ name, title, look }`. `redraw` follows a click, `point` a pointer or focus; `go` gives where a
 * series' own link leads, if anywhere.
 */
export function drawLegend(list, series, shown, isLine, { redraw, point, go = () => null }) {
  const names = series.map(({ name }) => name);
  const same = [...list.children].map((item) => item.dataset.name).join("\n") === names.join("\n");
  if (!same) {
    list.replaceChildren(...series.map(({ name, title, about }) => {
      const button = el("button", {
        type: "button", title: about ?? title,
        onclick: (event) => { shown.choose(name, names, event.ctrlKey || event.metaKey || event.shiftKey); redraw(); },
        onpointerenter: () => point(name), onpointerleave: () => point(null), onfocus: () => point(name), onblur: () => point(null),
      }, el("span", {}), title);
      const item = el("li", {}, button, el("a", { class: "go", "aria-label": `The calls of ${title}`, title: `The calls of ${title}` }, "↗"));
      item.dataset.name = name;
      return item;
    }));
  }
  series.forEach((one, index) => {
    const { name, look } = one;
    const [button, link] = list.children[index].children;
    const path = go(one);
    link.hidden = path === null;
    if (path !== null) link.href = path;
    button.setAttribute("aria-pressed", String(shown.has(name)));
    button.firstChild.replaceChildren(swatch(look, isLine));
  });
}
