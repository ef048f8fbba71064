// What every page does: links that keep the range and the filters, and sheets that close.

import { kept, onChange } from "./state.js";

function keepLinks() {
  for (const link of document.querySelectorAll("a[data-keep]")) {
    link.dataset.keep ||= link.getAttribute("href");
    link.href = kept(link.dataset.keep);
  }
}

const open = () => document.querySelectorAll("details.picker[open], details.menu[open]");

document.addEventListener("click", (event) => {
  for (const sheet of open()) if (!sheet.contains(event.target)) sheet.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const sheet of open()) {
    sheet.open = false;
    if (sheet.contains(document.activeElement)) sheet.querySelector("summary").focus();
  }
});
// A sheet that the focus has left is closed, so that it never covers what has the focus now.
document.addEventListener("focusin", (event) => {
  for (const sheet of open()) if (!sheet.contains(event.target)) sheet.open = false;
});

onChange(keepLinks);
keepLinks();
