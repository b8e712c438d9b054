// A task's scalars: single values as tiles, and a chart for each metric.

import { call, describe, isAbort } from "./api.js";
import { Board, latestKey } from "./board.js";
import { h, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { throttled } from "./live.js";
import { curveKey, curveTitle } from "./names.js";
import * as route from "./route.js";
import { isMonitor } from "./sections.js";

/** @typedef {import("./curves.js").Curve} Curve */

const SINGLE_MS = 5000;
const LATEST = ["metric", "variant", "value"].map((name) => `last_metrics.*.*.${name}`);
const EXACT_POINTS = 1000;

/** What the task reported of its training. @type {import("./task.js").ShowTab} */
export function scalars(root, id, signal) {
  const tiles = h("dl", { class: "tiles", hidden: true });
  root.append(tiles);
  const shown = curvesOf(root, id, signal, (metric) => !isMonitor(metric));
  const readSingle = throttled(SINGLE_MS, () => fillTiles(tiles, id, signal), signal);
  readSingle();
  return {
    points: shown.points,
    change: (types) => types.includes("training_stats_scalar") && readSingle(),
    again: () => (shown.again(), readSingle()),
  };
}

/** What the resource monitor told of the machine: processors, GPUs, memory, disk, network. @type {import("./task.js").ShowTab} */
export function system(root, id, signal) {
  return curvesOf(root, id, signal, isMonitor);
}

/** Charts of some of a task's metrics. @param {HTMLElement} root @param {string} id @param {AbortSignal} signal @param {(metric: string) => boolean} isShown */
function curvesOf(root, id, signal, isShown) {
  const hidden = route.listed("hide");
  /** @type {Map<string, number>} */
  const colors = new Map();
  let origin = 0;
  const own = (/** @type {Record<string, any>} */ metrics) => Object.entries(metrics).filter(([metric]) => isShown(metric));
  const key = (/** @type {Curve} */ curve) => curveKey(curve.chart, curve.series);
  /** @type {Map<string, number>} */
  const counts = new Map();
  const nextColor = (/** @type {string} */ chart) => {
    const count = counts.get(chart) ?? 0;
    counts.set(chart, count + 1);
    return count;
  };
  const board = new Board({
    group: id,
    signal,
    color: (curve) => colors.get(key(curve)) ?? 0,
    isHidden: (curve) => hidden.has(key(curve)),
    toggle: (curve, isOnly) => {
      const others = (board.curves.get(curve.chart) ?? []).filter((other) => other.series !== curve.series);
      const wasOnly = isOnly && !hidden.has(key(curve)) && others.every((other) => hidden.has(key(other)));
      if (isOnly) for (const one of [curve, ...others]) hidden[wasOnly || one === curve ? "delete" : "add"](key(one));
      else if (!hidden.delete(key(curve))) hidden.add(key(curve));
      route.rememberList("hide", hidden);
    },
    names: async (stop) => new Map(own((await call("events.get_scalar_metrics_and_variants", { task: id }, { signal: stop })).metrics)),
    reported: (metric) => [{ task: id, metric, variants: [] }],
    origin: () => origin,
    latest: async (stop) => {
      const { tasks } = await call("tasks.get_all_ex", { id: [id], only_fields: LATEST, search_hidden: true }, { signal: stop });
      const summaries = Object.values(tasks[0]?.last_metrics ?? {}).flatMap((variants) => Object.values(/** @type {any} */ (variants)));
      return new Map(summaries.map(({ metric, variant, value }) => [latestKey(metric, variant), value]));
    },
    exact: (metric, axis, from, to, stop) => firstValues({ task: id, metric: { metric } }, axis, from, to, axis === "relative" ? origin : 0, stop),
    load: async (wish, stop) => {
      const range = wish.range && wish.axis === "relative" ? wish.range.map((x) => x + origin) : wish.range;
      const answer = await call("events.scalar_metrics_iter_histogram", request({ task: id }, wish, range), { signal: stop });
      const curves = own(answer).flatMap(([metric, variants]) => ofMetric(metric, variants));
      if (!wish.range && (!wish.charts || !origin)) origin = firstPlace(curves);
      if (wish.axis === "relative") for (const curve of curves) curve.x = curve.x.map((x) => x - origin);
      for (const curve of curves) if (!colors.has(key(curve))) colors.set(key(curve), nextColor(curve.chart));
      return curves;
    },
  });
  root.append(board.element);
  board.start();
  return {
    points: (/** @type {Parameters<Board["add"]>[0]} */ metrics) =>
      board.add(Object.fromEntries(own(metrics)), (metric, variant) => ({ chart: metric, series: variant, shift: board.axis === "relative" ? origin : 0 })),
    again: () => board.again(),
  };
}

/**
 * A request for curves.
 * @param {object} of
 * @param {import("./board.js").Wish} wish
 * @param {number[] | null} range
 */
export function request(of, wish, range) {
  const bounds = range ? { x_min: Math.floor(range[0]), x_max: Math.ceil(range[1]) } : {};
  return { ...of, ...bounds, samples: wish.samples, key: wish.axis === "iter" ? "iter" : "timestamp", aggregation: wish.aggregation ?? "minmax", ...(wish.charts && { metrics: wish.charts.map((metric) => ({ metric })) }) };
}

/**
 * The stored value of each variant that is first in a range of the axis; `shift`: where the axis begins.
 * @param {{task: string, metric: object}} of
 * @param {import("./curves.js").Axis} axis @param {number} from @param {number} to @param {number} shift @param {AbortSignal} signal
 * @returns {Promise<Map<string, number>>}
 */
export async function firstValues(of, axis, from, to, shift, signal) {
  const range = { x_min: Math.floor(from + shift), x_max: Math.ceil(to + shift) };
  const { variants } = await call("events.scalar_metrics_iter_raw", { ...of, ...range, key: axis === "iter" ? "iter" : "timestamp", batch_size: EXACT_POINTS }, { signal });
  return new Map(Object.entries(variants).map(([variant, { y }]) => [variant, y[0]]));
}

/** The curves of a metric by name, so that colours do not depend on the answer. @param {string} metric @param {any} variants @returns {Curve[]} */
function ofMetric(metric, variants) {
  return Object.entries(variants).sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true })).map(([variant, { x, y, y_min, y_max }]) => ({ chart: metric, series: variant, name: variant, x, y, low: y_min ?? null, high: y_max ?? null }));
}

/** @param {Curve[]} curves */
export function firstPlace(curves) {
  return curves.reduce((least, { x }) => Math.min(least, x[0] ?? Infinity), Infinity);
}

/** @param {HTMLElement} tiles @param {string} id @param {AbortSignal} signal */
async function fillTiles(tiles, id, signal) {
  try {
    const { tasks } = await call("events.get_task_single_value_metrics", { tasks: [id] }, { signal });
    const values = tasks[0]?.values ?? [];
    const tile = (/** @type {any} */ { metric, variant, value }) =>
      h("div", { class: "tile" }, h("dt", { title: curveTitle(metric, variant) }, metric === "Summary" ? variant : curveTitle(metric, variant)), h("dd", {}, format.number(value)));
    replace(tiles, values.map(tile));
    tiles.hidden = !values.length;
  } catch (error) {
    if (!isAbort(error)) replace(tiles, notice(describe(error), true));
  }
}
