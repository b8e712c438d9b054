// Tasks over one another: a chart for each metric and variant, and a table of their values.

import { call, describe, isAbort } from "./api.js";
import { bandSource, groupControls } from "./bands.js";
import { Board, latestKey } from "./board.js";
import { differences } from "./differences.js";
import { h, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { Liveness, follow, throttled } from "./live.js";
import { curveKey, curveTitle, taskNames } from "./names.js";
import * as route from "./route.js";
import { firstPlace, firstValues, request } from "./scalars.js";
import { status } from "./status.js";
import { swatch } from "./swatch.js";
import { sweep } from "./sweep.js";
import { grouped, readTraits } from "./traits.js";

/** @typedef {import("./curves.js").Curve} Curve */

export const MAX_TASKS = 100;
const MAX_CURVES = 1000; // read at once; of more, those of charts near the window
const TABLE_MS = 5000;
const MAX_EXACT = 12; // tasks whose stored value at the cursor is asked for
const FIELDS = ["name", "status", "project.name", "last_update", ...["metric", "variant", "value", "min_value", "max_value"].map((name) => `last_metrics.*.*.${name}`)];

/** @typedef {{ids: string[], names: Map<string, string>, hidden: Set<string>, signal: AbortSignal, color: (id: string) => number}} Compared  `color`: of a task, or of its group */

/** @type {import("./app.js").Show} */
export async function compare(root, path, signal) {
  const asked = [...new Set(path)];
  const found = await read(asked.slice(0, MAX_TASKS), signal);
  const ids = asked.filter((id) => found.some((task) => task.id === id));
  const compared = { ids, names: taskNames(found), hidden: route.listed("hide"), signal, color: (/** @type {string} */ id) => ids.indexOf(id) };
  const title = `Compare ${ids.length} ${ids.length === 1 ? "task" : "tasks"}`;
  const live = h("span", { class: "live", hidden: true }, "live");
  const head = [h("a", { class: "up", href: "#/tasks" }, "Tasks"), h("div", { class: "title" }, h("h1", {}, title), live), ...leftOut(asked, ids)];
  if (!ids.length) return replace(root, ...head);
  const traits = readTraits(ids, signal);
  traits.catch(() => null); // who awaits it hears of it
  const by = route.param("group");
  const groups = by ? grouped(await traits, by, ids) : [];
  if (by) compared.color = (id) => groups.findIndex((group) => group.ids.includes(id));
  const names = legend(compared, (id, isOnly) => toggled(id, isOnly));
  const values = tableOfValues(compared);
  const board = new Board(by ? bandSource(compared, by, groups) : source(compared, () => names.tellHidden()));
  const switched = () => (names.tellHidden(), by ? board.reread() : board.drawAll());
  const toggled = (/** @type {string} */ id, /** @type {boolean} */ isOnly) => (toggle(compared, id, isOnly), switched());
  const onlyThese = (/** @type {string[]} */ wanted) => {
    for (const id of ids) compared.hidden[wanted.includes(id) ? "delete" : "add"](id);
    switched();
  };
  let newest = found;
  replace(root, ...head, names.element, differences(compared), values.element, sweep(compared, { traits, tasks: () => newest, only: (wanted) => onlyThese(wanted) }), groupControls(compared, traits), h("h2", { class: "unseen" }, "Curves"), board.element);
  const liveness = new Liveness(live);
  const show = (/** @type {any[]} */ tasks) => {
    newest = tasks;
    liveness.tell(tasks.map(({ status: state, last_update: updated }) => ({ status: state, updated })));
    names.show(tasks);
    values.show(tasks);
  };
  const reread = async () => {
    try {
      show(await read(ids, signal));
    } catch (error) {
      if (!isAbort(error)) values.fail(describe(error));
    }
  };
  const refresh = throttled(TABLE_MS, reread, signal);
  const again = () => (board.again(), refresh());
  board.start();
  show(found);
  follow(ids, true, {
    ready: again,
    points: (id, metrics) => by ? board.refresh() : board.add(metrics, (metric, variant) => ({ chart: curveKey(metric, variant), series: id, shift: board.axis === "relative" ? origins.get(id) : 0 })),
    change: () => refresh(),
    reset: again,
    state: (isConnected) => liveness.connect(isConnected),
  }, signal);
}

/** What is compared, each task to be switched on and off. @param {Compared} compared @param {(id: string, isOnly: boolean) => void} toggled */
function legend(compared, toggled) {
  const element = h("ul", { class: "legend compared" });
  return {
    element,
    show: (/** @type {any[]} */ tasks) => {
      const key = JSON.stringify(tasks.map(({ id, status: state }) => [id, state]));
      if (key !== element.dataset.key) replace(element, tasks.map((task) => nameOf(task, compared, toggled)));
      element.dataset.key = key;
    },
    tellHidden: () => {
      route.rememberList("hide", compared.hidden);
      for (const button of element.querySelectorAll("button[data-task]")) button.setAttribute("aria-pressed", String(!compared.hidden.has(/** @type {HTMLElement} */ (button).dataset.task ?? "")));
    },
  };
}

/** The latest values, folded unless the address says otherwise. Made anew only if they differ: what is selected in them stays. @param {Compared} compared */
function tableOfValues(compared) {
  const table = h("div", { class: "scrolled", tabindex: 0, role: "group", "aria-label": "Latest values" });
  const element = h("details", { class: "card values" }, h("summary", {}, "Table of values"), table);
  element.addEventListener("toggle", () => route.remember({ table: element.open ? "1" : "" }));
  element.open = Boolean(route.param("table"));
  let shown = "";
  const show = (/** @type {string} */ told, /** @type {() => Node} */ content) => {
    if (told !== shown) replace(table, content());
    shown = told;
  };
  return {
    element,
    show: (/** @type {any[]} */ tasks) => show(JSON.stringify(tasks), () => tableOf(tasks, compared)),
    fail: (/** @type {string} */ message) => show(message, () => notice(message, true)),
  };
}

/** Where the time of each task begins. @type {Map<string, number>} */
const origins = new Map();

/** The tasks of these ids that there are, in their order. @param {string[]} ids @param {AbortSignal} signal @returns {Promise<any[]>} */
async function read(ids, signal) {
  if (!ids.length) return [];
  const { tasks } = await call("tasks.get_all_ex", { id: ids, only_fields: FIELDS, search_hidden: true, page_size: MAX_TASKS }, { signal });
  return ids.flatMap((id) => tasks.filter((/** @type {any} */ task) => task.id === id));
}

/** What is said of ids that are not compared. @param {string[]} asked @param {string[]} ids */
function leftOut(asked, ids) {
  const missing = asked.slice(0, MAX_TASKS).filter((id) => !ids.includes(id));
  const beyond = asked.length - MAX_TASKS;
  return [
    missing.length ? notice(`There is no task ${missing.join(", ")}.`, true) : null,
    beyond > 0 ? notice(`At most ${MAX_TASKS} tasks are compared at once: the last ${beyond} of ${asked.length} are left out.`, true) : null,
  ];
}

/** Switch a task on or off, or, if it is to be the only one, all others; once more: all on. @param {Compared} compared @param {string} id @param {boolean} isOnly */
function toggle({ ids, hidden }, id, isOnly) {
  if (!isOnly) {
    if (!hidden.delete(id)) hidden.add(id);
    return;
  }
  const others = ids.filter((other) => other !== id);
  const wasOnly = !hidden.has(id) && others.every((other) => hidden.has(other));
  hidden.clear();
  if (!wasOnly) for (const other of others) hidden.add(other);
}

/** @param {Compared} compared @param {() => void} switched @returns {import("./board.js").Source} */
function source(compared, switched) {
  const { ids, names, hidden, signal } = compared;
  /** @type {Map<string, {metric: string, variants: string[]}>} */
  const charts = new Map();
  return {
    group: "compare",
    signal,
    isSorted: true,
    atOnce: Math.max(1, Math.min(60, Math.floor(MAX_CURVES / ids.length))),
    toggle: (curve, isOnly) => (toggle(compared, curve.series, isOnly), switched()),
    title: (chart) => curveTitle(charts.get(chart)?.metric ?? chart, charts.get(chart)?.variants[0] ?? ""),
    color: (curve) => compared.color(curve.series),
    isHidden: (curve) => hidden.has(curve.series),
    reported: (chart) => ids.flatMap((task) => ({ task, name: names.get(task) ?? "", metric: chart, variants: [], ...charts.get(chart) })),
    origin: (task) => origins.get(task) ?? 0,
    latest: async (stop) => {
      const values = new Map();
      for (const task of await read(ids, stop)) {
        for (const { metric, variant, value } of latestOf(task)) values.set(latestKey(curveKey(metric, variant), task.id), value);
      }
      return values;
    },
    exact: async (chart, axis, from, to, stop) => {
      const shown = ids.filter((id) => !hidden.has(id)).slice(0, MAX_EXACT);
      const metric = charts.get(chart) ?? { metric: chart };
      const found = await Promise.all(shown.map((task) => firstValues({ task, metric }, axis, from, to, axis === "relative" ? (origins.get(task) ?? 0) : 0, stop)));
      return new Map(found.flatMap((values, i) => [...values.values()].slice(0, 1).map((value) => [shown[i], value])));
    },
    names: async (stop) => {
      const { metrics } = await call("events.get_multi_task_metrics", { tasks: ids, event_type: "training_stats_scalar" }, { signal: stop });
      const curves = metrics.flatMap((/** @type {any} */ { metric, variants }) => variants.map((/** @type {string} */ variant) => ({ metric, variant })));
      for (const { metric, variant } of curves) charts.set(curveKey(metric, variant), { metric, variants: [variant] });
      return new Map(curves.map((/** @type {any} */ { metric, variant }) => [curveKey(metric, variant), []]));
    },
    load: async (wish, stop) => {
      const range = wish.axis === "relative" ? null : wish.range;
      const chosen = wish.charts?.flatMap((name) => charts.get(name) ?? []);
      const body = { ...request({ tasks: ids }, { ...wish, charts: null }, range), ...(chosen && { metrics: chosen }) };
      const { metrics } = await call("events.multi_task_scalar_metrics_iter_histogram", body, { signal: stop });
      const curves = /** @type {Curve[]} */ ([]);
      for (const [metric, variants] of Object.entries(metrics)) {
        for (const [variant, tasks] of Object.entries(/** @type {Record<string, any>} */ (variants))) {
          const chart = curveKey(metric, variant);
          charts.set(chart, { metric, variants: [variant] });
          for (const [id, { name, x, y, y_min, y_max }] of Object.entries(/** @type {Record<string, any>} */ (tasks))) {
            curves.push({ chart, series: id, name: names.get(id) ?? name, x, y, low: y_min ?? null, high: y_max ?? null });
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
    if (areAll || !origins.has(id)) origins.set(id, firstPlace(own));
    for (const curve of own) curve.x = curve.x.map((x) => x - (origins.get(id) ?? 0));
  }
}

/** The name of a task, which switches it on and off. @param {any} task @param {Compared} compared @param {(id: string, isOnly: boolean) => void} toggled */
function nameOf(task, { color, names, hidden }, toggled) {
  const switchIt = (/** @type {MouseEvent} */ event) => toggled(task.id, event.shiftKey);
  const button = h("button", { type: "button", class: "series", "data-task": task.id, "aria-pressed": String(!hidden.has(task.id)), onclick: switchIt }, swatch(color(task.id)), h("span", { class: "name" }, names.get(task.id)), status(task.status));
  const only = h("button", { type: "button", class: "chip", "aria-label": `Only ${names.get(task.id)}`, onclick: () => toggled(task.id, true) }, "only");
  return h("li", {}, button, only, h("a", { class: "about", href: route.link(["task", task.id, "scalars"]), "aria-label": `Open ${task.name}` }, "open"));
}

/** The summaries of a task's curves. @param {any} task @returns {any[]} */
function latestOf(task) {
  return Object.values(task.last_metrics ?? {}).flatMap((variants) => Object.values(/** @type {any} */ (variants)));
}

/** @param {any[]} tasks @param {Compared} compared */
function tableOf(tasks, { color, names }) {
  /** @type {Map<string, {title: string, of: Map<string, any>}>} */
  const rows = new Map();
  for (const task of tasks) {
    for (const latest of latestOf(task)) {
      const key = curveKey(latest.metric, latest.variant);
      const row = rows.get(key) ?? { title: curveTitle(latest.metric, latest.variant), of: new Map() };
      rows.set(key, { ...row, of: row.of.set(task.id, latest) });
    }
  }
  const heads = tasks.map((task) => h("th", { scope: "colgroup", colspan: 3, title: task.name }, swatch(color(task.id)), names.get(task.id)));
  const kinds = tasks.flatMap(() => ["latest", "min", "max"].map((kind) => h("th", { scope: "col", class: "number" }, kind)));
  const cells = (/** @type {any} */ latest) => ["value", "min_value", "max_value"].map((kind) => h("td", { class: "number", title: latest?.[kind] }, format.number(latest?.[kind])));
  const body = [...rows.values()].sort((a, b) => a.title.localeCompare(b.title)).map(({ title, of }) => h("tr", {}, h("th", { scope: "row", title }, title), ...tasks.flatMap((task) => cells(of.get(task.id)))));
  return h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("td"), ...heads), h("tr", {}, h("td"), ...kinds)), h("tbody", {}, ...body));
}
