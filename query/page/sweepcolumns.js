// What a sweep is looked at by: the hyper-parameters in which its tasks differ, and the values of its metrics.

import { curveTitle } from "./names.js";
import { differing } from "./traits.js";

/** @typedef {{name: string, isMetric: boolean, of: Map<string, number | string>, isNumeric: boolean}} Column  `of`: the value of each task that has one */

const KINDS = { last: "value", min: "min_value", max: "max_value" };
const DECADES = 100; // a positive range that is wider is drawn on a logarithmic axis

/** @param {import("./traits.js").Traits} traits @param {any[]} tasks with their last_metrics @returns {Column[]} */
export function columnsOf(traits, tasks) {
  const parameters = differing(traits, tasks.map(({ id }) => id)).map((name) => column(name, false, traits.get(name) ?? new Map()));
  /** @type {Map<string, Map<string, number>>} */
  const metrics = new Map();
  for (const task of tasks) for (const [name, value] of valuesOf(task)) metrics.set(name, (metrics.get(name) ?? new Map()).set(task.id, value));
  const names = [...metrics.keys()].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  return [...parameters, ...names.map((name) => column(name, true, metrics.get(name) ?? new Map()))];
}

/** @param {any} task @returns {[string, number][]} */
function valuesOf({ last_metrics: summaries }) {
  const all = Object.values(summaries ?? {}).flatMap((variants) => Object.values(/** @type {any} */ (variants)));
  return all.flatMap((summary) => Object.entries(KINDS).map(([kind, field]) => /** @type {[string, any]} */ ([`${curveTitle(summary.metric, summary.variant)} (${kind})`, summary[field]]))).filter(([, value]) => Number.isFinite(value));
}

/** @param {string} name @param {boolean} isMetric @param {Map<string, number | string>} texts @returns {Column} */
function column(name, isMetric, texts) {
  const isNumeric = [...texts.values()].every(isNumber);
  return { name, isMetric, isNumeric, of: isNumeric ? new Map([...texts].map(([id, text]) => [id, Number(text)])) : texts };
}

/** @param {number | string} value */
function isNumber(value) {
  return String(value).trim() !== "" && Number.isFinite(Number(value));
}

/** Numbers of a numeric column. @param {Column} column @param {string[]} ids that have values */
export function numbers({ of }, ids) {
  return ids.map((id) => Number(of.get(id)));
}

/** The tasks with a value in each column. @param {string[]} ids @param {Column[]} columns */
export function complete(ids, columns) {
  return ids.filter((id) => columns.every(({ of }) => of.has(id)));
}

/** Tell whether numbers are drawn by their logarithms. @param {number[]} values */
export function isWide(values) {
  const least = values.reduce((low, value) => Math.min(low, value), Infinity);
  return least > 0 && values.reduce((high, value) => Math.max(high, value), 0) / least >= DECADES;
}
