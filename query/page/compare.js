// Tasks over one another: a chart for each metric and variant, and a table of their values.

import { call, describe, isAbort } from "./api.js";
import { Board } from "./board.js";
import { h, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { follow, throttled } from "./live.js";
import * as route from "./route.js";
import { firstPlace, request } from "./scalars.js";
import { status } from "./tasks.js";

/** @typedef {import("./curves.js").Curve} Curve */

const MAX_TASKS = 20;
const TABLE_MS = 5000;
const FIELDS = ["name", "status", "project.name", ...["metric", "variant", "value", "min_value", "max_value"].map((name) => `last_metrics.*.*.${name}`)];

/** @type {import("./app.js").Show} */
export async function compare(root, path, signal) {
  const ids = [...new Set(path)].slice(0, MAX_TASKS);
  const hidden = route.listed("hide");
  const names = h("ul", { class: "legend compared" });
  const table = h("div", { class: "scrolled" });
  const live = h("span", { class: "live", hidden: true }, "live");
  const board = new Board(source(ids, hidden, signal));
  const values = h("details", { class: "card values" }, h("summary", {}, "Table of values"), table);
  values.addEventListener("toggle", () => route.remember({ table: values.open ? "1" : "" }));
  values.open = Boolean(route.param("table"));
  replace(root, h("a", { class: "up", href: "#/tasks" }, "Tasks"), h("div", { class: "title" }, h("h1", {}, `Compare ${ids.length} tasks`), live), names, values, board.element);
  const refresh = throttled(TABLE_MS, async () => fill(ids, names, table, hidden, board, signal), signal);
  const again = () => (board.again(), refresh());
  board.start();
  refresh();
  follow(ids, true, {
    ready: again,
    points: (id, metrics) => board.add(metrics, (metric, variant) => ({ chart: title(metric, variant), series: id, shift: board.axis === "relative" ? origins.get(id) : 0 })),
    change: () => refresh(),
    reset: again,
    state: (isLive) => (live.hidden = !isLive),
  }, signal);
}

/** Where the time of each task begins. @type {Map<string, number>} */
const origins = new Map();

/** @param {string} metric @param {string} variant */
function title(metric, variant) {
  return variant === metric ? metric : `${metric} / ${variant}`;
}

/**
 * @param {string[]} ids
 * @param {Set<string>} hidden
 * @param {AbortSignal} signal
 * @returns {import("./board.js").Source}
 */
function source(ids, hidden, signal) {
  /** @type {Map<string, {metric: string, variants: string[]}>} */
  const charts = new Map();
  return {
    group: "compare",
    signal,
    color: (curve) => ids.indexOf(curve.series),
    isHidden: (curve) => hidden.has(curve.series),
    load: async (wish, stop) => {
      const range = wish.axis === "relative" ? null : wish.range;
      const chosen = wish.charts?.flatMap((name) => charts.get(name) ?? []);
      const body = { ...request({ tasks: ids }, { ...wish, charts: null }, range), ...(chosen && { metrics: chosen }) };
      const { metrics } = await call("events.multi_task_scalar_metrics_iter_histogram", body, { signal: stop });
      const curves = /** @type {Curve[]} */ ([]);
      for (const [metric, variants] of Object.entries(metrics)) {
        for (const [variant, tasks] of Object.entries(/** @type {Record<string, any>} */ (variants))) {
          charts.set(title(metric, variant), { metric, variants: [variant] });
          for (const [id, { name, x, y, y_min, y_max }] of Object.entries(/** @type {Record<string, any>} */ (tasks))) {
            curves.push({ chart: title(metric, variant), series: id, name, x, y, low: y_min ?? null, high: y_max ?? null });
          }
        }
      }
      if (wish.axis === "relative") shift(curves, wish.charts === null);
      return curves.sort((a, b) => ids.indexOf(a.series) - ids.indexOf(b.series));
    },
  };
}

/** Times of each task from its own beginning. @param {Curve[]} curves @param {boolean} areAll */
function shift(curves, areAll) {
  for (const [id, own] of Map.groupBy(curves, ({ series }) => series)) {
    if (areAll) origins.set(id, firstPlace(own));
    for (const curve of own) curve.x = curve.x.map((x) => x - (origins.get(id) ?? 0));
  }
}

/**
 * The names, which switch the tasks on and off, and the table.
 * @param {string[]} ids
 * @param {HTMLElement} names
 * @param {HTMLElement} table
 * @param {Set<string>} hidden
 * @param {Board} board
 * @param {AbortSignal} signal
 */
async function fill(ids, names, table, hidden, board, signal) {
  try {
    const answer = await call("tasks.get_all_ex", { id: ids, only_fields: FIELDS, search_hidden: true, page_size: MAX_TASKS }, { signal });
    const tasks = ids.flatMap((id) => answer.tasks.filter((/** @type {any} */ task) => task.id === id));
    if (!names.childElementCount) replace(names, tasks.map((task) => nameOf(task, ids, hidden, board)));
    replace(table, tableOf(tasks, ids));
  } catch (error) {
    if (!isAbort(error)) replace(table, notice(describe(error), true));
  }
}

/** @param {any} task @param {string[]} ids @param {Set<string>} hidden @param {Board} board */
function nameOf(task, ids, hidden, board) {
  const toggle = () => {
    if (!hidden.delete(task.id)) hidden.add(task.id);
    button.setAttribute("aria-pressed", String(!hidden.has(task.id)));
    route.rememberList("hide", hidden);
    board.drawAll();
  };
  const swatch = h("span", { class: "swatch", vars: { color: `var(--c${ids.indexOf(task.id) % 12})` } });
  const button = h("button", { type: "button", class: "series", "aria-pressed": String(!hidden.has(task.id)), onclick: toggle }, swatch, h("span", { class: "name" }, task.name), status(task.status));
  return h("li", {}, button, h("a", { class: "about", href: route.link(["task", task.id, "scalars"]), "aria-label": `Open ${task.name}` }, "open"));
}

/** @param {any[]} tasks @param {string[]} ids */
function tableOf(tasks, ids) {
  /** @type {Map<string, Map<string, any>>} */
  const rows = new Map();
  for (const task of tasks) {
    for (const latest of Object.values(task.last_metrics ?? {}).flatMap((variants) => Object.values(variants))) {
      const name = title(latest.metric, latest.variant);
      rows.set(name, (rows.get(name) ?? new Map()).set(task.id, latest));
    }
  }
  const heads = tasks.map((task) => h("th", { scope: "colgroup", colspan: 3, title: task.name }, h("span", { class: "swatch", vars: { color: `var(--c${ids.indexOf(task.id) % 12})` } }), task.name));
  const kinds = tasks.flatMap(() => ["latest", "min", "max"].map((kind) => h("th", { scope: "col", class: "number" }, kind)));
  const cells = (/** @type {any} */ latest) => ["value", "min_value", "max_value"].map((kind) => h("td", { class: "number" }, format.number(latest?.[kind])));
  const body = [...rows].sort(([a], [b]) => a.localeCompare(b)).map(([name, found]) => h("tr", {}, h("th", { scope: "row", title: name }, name), ...tasks.flatMap((task) => cells(found.get(task.id)))));
  return h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("td"), ...heads), h("tr", {}, h("td"), ...kinds)), h("tbody", {}, ...body));
}
