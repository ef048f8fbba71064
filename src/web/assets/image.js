// Saves a chart as a picture: its title and legend, which are elements on the page, are drawn around it.

import { token } from "./colors.js";
import { backdrop } from "./plot.js";

const RATIO = 2;
const [MARGIN, TITLE, KEYS] = [16, 30, 24];

/** Saves `canvas` with the panel's title and `keys`, `{ title, look }`, as `<id>.png`. */
export function save(panel, { canvas, keys }) {
  const width = canvas.width / RATIO + 2 * MARGIN;
  const rows = arrange(keys, width - 2 * MARGIN);
  const picture = document.createElement("canvas");
  picture.width = width * RATIO;
  picture.height = canvas.height + (MARGIN * 2 + TITLE + rows.length * KEYS) * RATIO;
  const pen = picture.getContext("2d");
  pen.scale(RATIO, RATIO);
  pen.fillStyle = backdrop();
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(canvas, MARGIN, MARGIN + TITLE, canvas.width / RATIO, canvas.height / RATIO);
  pen.textBaseline = "middle";
  pen.font = `600 14px ${letters()}`;
  pen.fillStyle = token("text");
  pen.fillText(panel.title, MARGIN, MARGIN + 10);
  pen.font = `12px ${letters()}`;
  rows.forEach((row, index) => {
    const y = MARGIN + TITLE + canvas.height / RATIO + KEYS * (index + 0.5);
    for (const { x, title, look } of row) {
      pen.fillStyle = look.color;
      pen.fillRect(MARGIN + x, y - 5, 10, 10);
      pen.fillStyle = token("text");
      pen.fillText(title, MARGIN + x + 15, y);
    }
  });
  picture.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${panel.id}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

function letters() {
  return getComputedStyle(document.body).fontFamily;
}

/** The keys in rows that are not wider than `width`. */
function arrange(keys, width) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `12px ${letters()}`;
  const rows = [];
  let x = Infinity;
  for (const { title, look } of keys) {
    const room = pen.measureText(title).width + 32;
    if (x + room > width) {
      rows.push([]);
      x = 0;
    }
    rows.at(-1).push({ x, title, look });
    x += room;
  }
  return rows;
}
