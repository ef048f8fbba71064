// Writes the page's times in the browser's zone where the URL says `tz=local`: as the parser brings them, so before they are
// drawn. Without scripts they are UTC. Who points at one sees both.
(() => {
  const SHOWN = "time[data-part], .zone";
  /** The part of `2026-03-10 12:34:56.789123` that an element shows. */
  const PARTS = { full: [0], minute: [0, 16], date: [0, 10], clock: [11, 23] };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  /** RFC 3339 as people read it, with the decimals that it has; in the browser's zone, or in UTC. */
  const written = (instant, isHere) => {
    const at = new Date(instant);
    const shifted = isHere ? new Date(at.getTime() - at.getTimezoneOffset() * 60000) : at;
    return shifted.toISOString().slice(0, 19).replace("T", " ") + (/\.\d+/.exec(instant)?.[0] ?? "");
  };
  const write = (element) => {
    const part = PARTS[element.dataset.part];
    const text = part ? written(element.dateTime, true).slice(...part) : zone;
    if (element.textContent !== text) element.textContent = text;
  };

  document.addEventListener("pointerover", ({ target }) => {
    const element = target.closest?.("time[datetime]");
    if (!element || element.title) return;
    const both = [`${written(element.dateTime, false)} UTC`, `${written(element.dateTime, true)} ${zone}`];
    element.title = [...new Set(both)].join("\n");
  });
  if (new URLSearchParams(location.search).get("tz") !== "local") return;
  // The parser may bring an element before its text, and a text in pieces: each is followed by what is to be there.
  new MutationObserver((records) => {
    for (const { target, addedNodes } of records) {
      const around = (target.nodeType === Node.TEXT_NODE ? target.parentElement : target)?.closest(SHOWN);
      if (around) write(around);
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches(SHOWN)) write(node);
        node.querySelectorAll(SHOWN).forEach(write);
      }
    }
  }).observe(document.documentElement, { childList: true, characterData: true, subtree: true });
})();
