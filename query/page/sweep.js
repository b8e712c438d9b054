// A sweep at a glance: parameters against metrics, parallel coordinates, and what goes with what.

import { describe, isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import { draw, erase } from "./plotly.js";
import { spearman } from "./ranks.js";
import * as route from "./route.js";
import { columnsOf, complete, numbers } from "./sweepcolumns.js";
import { brushed, parallel, scatter, written } from "./sweepfigures.js";

/** @typedef {import("./sweepcolumns.js").Column} Column */
/** @typedef {import("./sweepfigures.js").Compared} Compared */

const ABOUT =
  "Spearman's rank correlation of each numeric hyper-parameter with the metric: 1 if both always rise together, −1 if one falls as the other rises, 0 if neither. It is no cause, and sees neither what two parameters do together nor an optimum in the middle.";
const MAX_LINES = 12; // axes that are chosen at first

/**
 * A part of the page that is read when it is opened first. `only`: show but these tasks in the charts.
 * @param {Compared} compared
 * @param {{traits: Promise<import("./traits.js").Traits>, tasks: () => any[], only: (ids: string[]) => void}} of
 */
export function sweep(compared, { traits, tasks, only }) {
  const body = h("div", {});
  const element = h("details", { class: "card values sweep" }, h("summary", {}, "Parameters against metrics"), body);
  let isRead = false;
  const fill = async () => {
    try {
      show(body, compared, columnsOf(await traits, tasks()), only);
    } catch (error) {
      if (!isAbort(error)) replace(body, notice(describe(error), true));
    }
  };
  element.addEventListener("toggle", () => {
    route.remember({ sweep: element.open ? "1" : "" });
    if (element.open && !isRead) isRead = Boolean(fill());
  });
  element.open = Boolean(route.param("sweep"));
  return element;
}

/** @param {HTMLElement} body @param {Compared} compared @param {Column[]} columns @param {(ids: string[]) => void} only */
function show(body, compared, columns, only) {
  const metrics = columns.filter(({ isMetric }) => isMetric);
  if (!metrics.length) return replace(body, notice("These tasks have reported no scalars yet."));
  const y = choice("sy", "Metric", metrics, metrics[0]);
  const x = choice("sx", "Against", columns, columns[0]);
  const lines = route.listed("axis");
  const first = columns.filter(({ isMetric }) => !isMetric).slice(0, MAX_LINES);
  const areLines = () => (lines.size ? columns.filter(({ name }) => lines.has(name) && name !== y.value) : first);
  const places = { scatter: h("div", { class: "figure" }), parallel: h("div", { class: "figure" }), table: h("div", { class: "scrolled" }), brush: h("div", { class: "choices" }), told: h("div", {}) };
  const again = () => redraw(compared, { columns, x: find(columns, x), y: find(columns, y), lines: areLines() }, places, only);
  for (const select of [x, y]) select.addEventListener("change", () => (route.remember({ [select.name]: select.value }), again()));
  const chosen = axes(columns, new Set(areLines().map(({ name }) => name)), (names) => (lines.clear(), names.forEach((name) => lines.add(name)), route.rememberList("axis", lines), again()));
  const head = h("div", { class: "choices" }, h("label", {}, "Metric ", y), h("label", {}, "against ", x), chosen);
  replace(body, head, places.told, h("div", { class: "figures" }, places.scatter, places.parallel), places.brush, places.table);
  addEventListener("theme", again, { signal: compared.signal });
  compared.signal.addEventListener("abort", () => [places.scatter, places.parallel].forEach(erase));
  again();
}

/** @param {string} name in the address @param {string} label @param {Column[]} columns @param {Column} first */
function choice(name, label, columns, first) {
  const named = route.param(name);
  const selected = columns.some((column) => column.name === named) ? named : first.name;
  return h("select", { name, "aria-label": label }, columns.map((column) => h("option", { value: column.name, selected: column.name === selected }, column.name)));
}

/** @param {Column[]} columns @param {HTMLSelectElement} select */
function find(columns, select) {
  return /** @type {Column} */ (columns.find(({ name }) => name === select.value));
}

/** Which columns are axes of the parallel coordinates. @param {Column[]} columns @param {Set<string>} shown @param {(names: string[]) => void} changed */
function axes(columns, shown, changed) {
  const boxes = columns.map(({ name }) => h("input", { type: "checkbox", value: name, checked: shown.has(name) }));
  const list = h("ul", {}, boxes.map((box) => h("li", {}, h("label", {}, box, box.value))));
  list.addEventListener("change", () => changed(boxes.filter(({ checked }) => checked).map(({ value }) => value)));
  return h("details", { class: "axes" }, h("summary", {}, "Axes"), list);
}

/**
 * @param {Compared} compared
 * @param {{columns: Column[], x: Column, y: Column, lines: Column[]}} chosen
 * @param {Record<"scatter" | "parallel" | "table" | "brush" | "told", HTMLElement>} places
 * @param {(ids: string[]) => void} only
 */
async function redraw(compared, { columns, x, y, lines }, places, only) {
  const across = [...lines, y];
  const [pairs, whole] = [complete(compared.ids, [x, y]), complete(compared.ids, across)];
  const missing = compared.ids.length - whole.length;
  replace(places.told, missing ? notice(`${missing} of ${compared.ids.length} tasks have no value on some axis of the parallel coordinates and are left out there.`) : null);
  replace(places.brush);
  replace(places.table, correlations(compared.ids, columns, y));
  try {
    await draw(places.scatter, scatter(compared, pairs, x, y));
    await draw(places.parallel, parallel(whole, across));
  } catch (error) {
    replace(places.told, notice(`This cannot be drawn: ${error instanceof Error ? error.message : error}`, true));
  }
  const figure = /** @type {any} */ (places.parallel);
  figure.on?.("plotly_restyle", () => tellBrushed(places.brush, brushed(whole, figure.data[0].dimensions), compared.ids.length, only));
}

/** @param {HTMLElement} place @param {string[]} ids @param {number} count of all @param {(ids: string[]) => void} only */
function tellBrushed(place, ids, count, only) {
  const button = h("button", { type: "button", class: "button", onclick: () => only(ids), disabled: !ids.length }, `Show only these ${ids.length} in the charts`);
  replace(place, h("span", { role: "status" }, `${ids.length} of ${count} tasks are in the brushes.`), button);
}

/** @param {string[]} ids @param {Column[]} columns @param {Column} metric */
function correlations(ids, columns, metric) {
  const rows = columns.filter(({ isMetric }) => !isMetric).map((column) => {
    const both = complete(ids, [column, metric]);
    return { name: column.name, count: both.length, value: column.isNumeric ? spearman(numbers(column, both), numbers(metric, both)) : null };
  });
  if (!rows.length) return notice("These tasks differ in no hyper-parameter.");
  const sorted = rows.sort((one, other) => Math.abs(other.value ?? 0) - Math.abs(one.value ?? 0));
  const heads = ["Hyper-parameter", `Correlation with ${metric.name}`, "Its size", "Tasks"].map((text, i) => h("th", { scope: "col", class: i % 2 ? "number" : "" }, text));
  return h("div", {}, h("p", { class: "about" }, ABOUT), h("table", { class: "plain" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, sorted.map(line))));
}

/** @param {{name: string, value: number | null, count: number}} row */
function line({ name, value, count }) {
  const bar = value === null ? null : h("meter", { min: 0, max: 1, value: Math.abs(value), "aria-label": `Size of the correlation of ${name}` });
  const text = value === null ? h("span", { class: "missing", title: "Not numbers, fewer than three tasks, or always the same" }, "–") : written(value);
  return h("tr", {}, h("th", { scope: "row", title: name }, name), h("td", { class: "number" }, text), h("td", {}, bar), h("td", { class: "number" }, count));
}
