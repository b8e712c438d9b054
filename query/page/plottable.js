// A figure's table, as a table of the document.

import { h, notice } from "./dom.js";
import * as format from "./format.js";

const MAX_ROWS = 1000;

/** @param {any} trace of type table */
export function table(trace) {
  const columns = arrays(trace.cells?.values).map(arrays);
  const isNumber = columns.map((column) => column.every((value) => typeof value === "number"));
  const kind = (/** @type {number} */ i) => (isNumber[i] ? { class: "number" } : {});
  const heads = arrays(trace.header?.values).map((head, i) => h("th", { scope: "col", ...kind(i) }, [head].flat().join(" ")));
  const count = columns.reduce((most, column) => Math.max(most, column.length), 0);
  const row = (/** @type {any} */ _, /** @type {number} */ i) => h("tr", {}, columns.map((column, j) => h("td", kind(j), cell(column[i]))));
  const rows = Array.from({ length: Math.min(count, MAX_ROWS) }, row);
  const drawn = h("table", { class: "plain" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows));
  return h("div", { class: "scrolled", tabindex: 0, role: "group", "aria-label": "Table" }, drawn, count > MAX_ROWS && notice(`The first ${format.number(MAX_ROWS)} of ${format.number(count)} rows.`));
}

/** @param {unknown} value @returns {any[]} */
function arrays(value) {
  return Array.isArray(value) ? value : [];
}

/** @param {unknown} value */
function cell(value) {
  return typeof value === "number" ? format.number(value) : String(value ?? "");
}
