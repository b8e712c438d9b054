// The columns of the table of tasks: their names as the API and the filter language have them, and their values as texts.

import { call } from "./api.js";
import * as format from "./format.js";
import { curveTitle } from "./names.js";

/** @typedef {{name: string, label: string, group: string}} Column */

export const LATEST = "latest"; // the page's own: the most telling curves, small
export const DEFAULT_COLUMNS = [LATEST, "iteration", "updated"];
export const MAX_COLUMNS = 40;
export const KINDS = ["last", "min", "max"];
const BUILT_IN = /** @type {Record<string, string>} */ ({
  name: "Task",
  latest: "Latest values",
  iteration: "Iteration",
  updated: "Updated",
  created: "Created",
  started: "Started",
  completed: "Completed",
  duration: "Duration",
  user: "User",
  project: "Project",
  status: "Status",
  type: "Type",
  tags: "Tags",
  comment: "Comment",
  id: "ID",
});
const DATES = new Set(["updated", "created", "started", "completed"]);
const UNSORTED = new Set([LATEST, "tags"]);
const PLAIN = /^[^\s()<>=!~,"'./][^\s()<>=!~,"'.]*$/;
const KEYWORD = /^(?:and|or|not|in|param|metric)$/i;
const NUMERIC = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
const PART = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^."']+)/g;

/** A part of a name as the filter language writes it. @param {string} part */
export function quoted(part) {
  return PLAIN.test(part) && !KEYWORD.test(part) ? part : `"${part.replace(/["\\]/g, "\\$&")}"`;
}

/** @param {string} metric @param {string} variant @param {string} [kind] */
export function metricColumn(metric, variant, kind = "last") {
  const name = `${quoted(metric)}.${quoted(variant)}`;
  const isPlain = metric !== "param" && metric !== "metric";
  return `${isPlain ? "" : "metric."}${name}${kind === "last" ? "" : `.${kind}`}`;
}

/** @param {string} section @param {string} name */
export function parameterColumn(section, name) {
  return `param.${quoted(section)}.${quoted(name)}`;
}

/** What the dots outside of quotes separate. @param {string} name */
export function partsOf(name) {
  return [...name.matchAll(PART)].map(([, double, single, bare]) => bare ?? (double ?? single).replace(/\\(.)/gs, "$1"));
}

/** A column's heading. @param {string} name */
export function label(name) {
  if (Object.hasOwn(BUILT_IN, name)) return BUILT_IN[name];
  const parts = partsOf(name);
  if (parts.length === 1) return parts[0];
  if (parts[0] === "param") return parts[parts.length - 1];
  const [metric, variant, kind = "last"] = parts[0] === "metric" ? parts.slice(1) : parts;
  return `${curveTitle(metric, variant ?? "")}${kind === "last" ? "" : ` (${kind})`}`;
}

/** Whether higher values of a column are of interest first. @param {string} name */
export function isDescendingFirst(name) {
  return name === "iteration" || name === "duration" || DATES.has(name);
}

/** @param {string} name */
export function isSortable(name) {
  return !UNSORTED.has(name);
}

/** @param {string} name @param {unknown} value */
export function isNumber(name, value) {
  return typeof value === "number" && !DATES.has(name);
}

/** A value as a cell shows it, and in full. @param {string} name @param {any} value @returns {{text: string, full: string}} */
export function shown(name, value) {
  if (value === null || value === undefined || value === "") return { text: "–", full: "" };
  if (DATES.has(name)) return { text: format.ago(value), full: format.moment(value) };
  if (name === "duration") return { text: format.duration(value * 1000), full: `${value} s` };
  if (name === "comment" || name === "id") return { text: value, full: value };
  if (name === "status") return { text: format.STATUS[value] ?? value, full: value };
  if (typeof value === "string" && NUMERIC.test(value)) return { text: format.number(Number(value)), full: value };
  if (typeof value === "number") return { text: format.number(value), full: String(value) };
  const text = Array.isArray(value) ? value.join(", ") : typeof value === "string" ? value : JSON.stringify(value);
  return { text, full: text };
}

/** All columns that there are, metrics and hyper-parameters of a project's tasks or of all. @param {string} project @param {AbortSignal} signal @returns {Promise<Column[]>} */
export async function available(project, signal) {
  const of = project ? { project } : {};
  const [{ metrics }, { parameters }] = await Promise.all([
    call("projects.get_unique_metric_variants", of, { signal }),
    call("projects.get_hyper_parameters", { ...of, page_size: 5000 }, { signal }),
  ]);
  const group = (/** @type {string} */ title) => (/** @type {string} */ name) => ({ name, label: label(name), group: title });
  return [
    ...Object.keys(BUILT_IN).filter((name) => name !== "name").map(group("Task")),
    ...metrics.flatMap((/** @type {any} */ { metric, variant }) => KINDS.map((kind) => metricColumn(metric, variant, kind))).map(group("Metrics")),
    ...parameters.map((/** @type {any} */ { section, name }) => ({ ...group("Hyper-parameters")(parameterColumn(section, name)), label: `${section} / ${name}` })),
  ];
}
