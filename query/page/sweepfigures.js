// The figures of a sweep: a scatter of two columns, and parallel coordinates of many.

import * as format from "./format.js";
import { color } from "./swatch.js";
import { isWide, numbers } from "./sweepcolumns.js";
import * as ticks from "./ticks.js";

/** @typedef {import("./sweepcolumns.js").Column} Column */
/** @typedef {import("./bands.js").Compared & {color: (id: string) => number}} Compared */
/** @typedef {import("./figure.js").Figure} Figure */

const [TICKS, LABEL_LENGTH] = [6, 26];

/** @param {Compared} compared @param {string[]} ids that have both values @param {Column} x @param {Column} y @returns {Figure} */
export function scatter({ names, color: colorOf }, ids, x, y) {
  const style = getComputedStyle(document.documentElement);
  const trace = {
    type: "scatter",
    mode: "markers",
    x: ids.map((id) => x.of.get(id)),
    y: ids.map((id) => y.of.get(id)),
    text: ids.map((id) => names.get(id)),
    hovertemplate: "%{text}<br>%{x}, %{y}<extra></extra>",
    marker: { size: 9, color: ids.map((id) => style.getPropertyValue(color(colorOf(id))).trim()) },
  };
  return { data: [trace], layout: { showlegend: false, xaxis: axis(x, ids), yaxis: axis(y, ids) } };
}

/** @param {Column} column @param {string[]} ids */
function axis(column, ids) {
  const title = { text: column.name };
  if (!column.isNumeric) return { title, type: "category" };
  return { title, type: isWide(numbers(column, ids)) ? "log" : "linear" };
}

/** Lines across axes, coloured by the last one. @param {string[]} ids with a value in each column @param {Column[]} columns @returns {Figure} */
export function parallel(ids, columns) {
  const dimensions = columns.map((column) => dimension(column, ids));
  const style = getComputedStyle(document.documentElement);
  const ends = [0, 1].map((end) => [end, style.getPropertyValue(color(end)).trim()]); // seen on light and on dark
  const line = { color: dimensions[dimensions.length - 1].values, colorscale: ends };
  return { data: [{ type: "parcoords", dimensions, line, labelangle: 0 }], layout: { margin: { l: 70, r: 70, t: 50, b: 30 } } };
}

/** @param {Column} column @param {string[]} ids */
export function dimension(column, ids) {
  const label = column.name.length > LABEL_LENGTH ? `…${column.name.slice(1 - LABEL_LENGTH)}` : column.name;
  if (!column.isNumeric) {
    const kinds = [...new Set(ids.map((id) => String(column.of.get(id))))].sort();
    return { label, values: ids.map((id) => kinds.indexOf(String(column.of.get(id)))), tickvals: kinds.map((_, i) => i), ticktext: kinds };
  }
  const values = numbers(column, ids);
  if (!isWide(values)) return { label, values };
  const powers = values.map(Math.log10);
  const made = ticks.logarithmic(Math.min(...powers), Math.max(...powers), TICKS);
  return { label: `${label} (log)`, values: powers, tickvals: made.map(({ at }) => at), ticktext: made.map((tick) => tick.label) };
}

/**
 * The tasks that all brushes let through.
 * @param {string[]} ids
 * @param {{values: number[], constraintrange?: any}[]} dimensions as the figure has them
 */
export function brushed(ids, dimensions) {
  return ids.filter((_, i) => dimensions.every(({ values, constraintrange: range }) => {
    if (!range?.length) return true;
    const ranges = Array.isArray(range[0]) ? range : [range];
    return ranges.some((/** @type {[number, number]} */ [low, high]) => values[i] >= low && values[i] <= high);
  }));
}

/** A correlation in two digits. @param {number} value */
export function written(value) {
  return format.number(Math.round(value * 100) / 100);
}
