// Answers that are columns of rows: what each column is called and measured in, and its values.

const NUMBERS = /int|double|float|decimal|number|real/i;

/** The columns that are shown, in order: `{ name, title, unit, isNumber, bar, link, color, values }`. */
export function columnsOf(panel, data) {
  const found = new Map(data.columns.map((column) => [column.name, column]));
  const named = panel.columns.length > 0 ? panel.columns : data.columns.map(({ name }) => ({ name }));
  return named.filter(({ name }) => found.has(name)).map((column) => {
    const { type, values } = found.get(column.name);
    const isNumber = NUMBERS.test(type) && column.unit !== "text" && column.unit !== "time";
    const isTime = /timestamp|date/i.test(type);
    const unit = column.unit ?? (isTime ? "time" : isNumber ? panel.unit : "text");
    return { ...column, title: column.title || titled(column.name), unit, isNumber, values };
  });
}

/** `cold_starts` as people write it. */
function titled(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** The values of a column, or none. */
export function valuesOf(data, name) {
  return data?.columns.find((column) => column.name === name)?.values ?? [];
}

/** The currency of a row, where the answer has one. */
export function currencyOf(data, row) {
  return valuesOf(data, "currency")[row] ?? data.currency ?? "";
}

/** `link` with each `{column}` filled from the row; null where a value is missing. */
export function linkOf(link, data, row) {
  let isWhole = true;
  const path = link.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const value = valuesOf(data, name)[row];
    if (value === null || value === undefined) isWhole = false;
    return encodeURIComponent(value);
  });
  return isWhole ? path : null;
}
