// The latest values that tell most of tasks, each with its curve as a sparkline.

import { call } from "./api.js";
import { h, replace } from "./dom.js";
import * as format from "./format.js";
import { curveTitle } from "./names.js";
import { sparkline } from "./sparkline.js";

/** @typedef {{metric: string, variant: string, value: number}} Latest */

const SPARKLINES = 3;
const SAMPLES = 48;
const METRICS = ["metric", "variant", "value"].map((name) => `last_metrics.*.*.${name}`);

/**
 * Fill the cells of some tasks (100 at most), with two calls for all.
 * @param {Map<string, HTMLElement>} cells by the task's id
 * @param {AbortSignal} signal
 */
export async function fillLatest(cells, signal) {
  const ids = [...cells.keys()];
  const { tasks } = await call("tasks.get_all_ex", { id: ids, only_fields: METRICS, page_size: ids.length, search_hidden: true }, { signal });
  const chosen = new Map(tasks.map((/** @type {any} */ task) => [task.id, interesting(task)]));
  const pairs = [...chosen.values()].flat();
  const metrics = [...Map.groupBy(pairs, ({ metric }) => metric)].map(([metric, of]) => ({ metric, variants: [...new Set(of.map(({ variant }) => variant))] }));
  const answer = pairs.length ? await call("events.multi_task_scalar_metrics_iter_histogram", { tasks: [...chosen.keys()], metrics, samples: SAMPLES }, { signal }) : { metrics: {} };
  for (const [id, latest] of chosen) {
    const cell = cells.get(id);
    if (cell) replace(cell, latest.map((/** @type {Latest} */ one, /** @type {number} */ i) => value(one, answer.metrics[one.metric]?.[one.variant]?.[id]?.y ?? [], i)));
  }
}

/** The curves that tell most: losses and qualities before rates, nothing of the resource monitor. @param {any} task @returns {Latest[]} */
function interesting(task) {
  /** @type {Latest[]} */
  const all = Object.values(task.last_metrics ?? {}).flatMap((variants) => Object.values(/** @type {any} */ (variants)));
  const rank = (/** @type {Latest} */ { metric, variant }) => {
    const text = `${metric} ${variant}`.toLowerCase();
    const found = [/loss|error|perplexity/, /acc|f1|map|auc|bleu|reward|score|iou/, /val|test|eval/].findIndex((one) => one.test(text));
    return found < 0 ? 9 : found;
  };
  const told = all.filter(({ metric }) => metric !== "Summary" && !metric.startsWith(":monitor:"));
  told.sort((a, b) => rank(a) - rank(b) || a.metric.localeCompare(b.metric) || a.variant.localeCompare(b.variant));
  const first = told.filter((one, i) => told.findIndex((other) => other.metric === one.metric) === i);
  return [...first, ...told.filter((one) => !first.includes(one))].slice(0, SPARKLINES);
}

/** @param {Latest} latest @param {number[]} values @param {number} color */
function value({ metric, variant, value: last }, values, color) {
  const name = curveTitle(metric, variant);
  return h("div", { class: "latest", title: name }, h("span", { class: "name" }, name), sparkline(values, color), h("span", { class: "value", title: String(last) }, format.number(last)));
}
