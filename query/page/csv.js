// Curves as files for spreadsheets: every point as it was reported, not what is drawn of it.

import { call } from "./api.js";
import { isDate } from "./axes.js";

/** @typedef {import("./curves.js").Axis} Axis */
/** @typedef {{task: string, metric: string, variants: string[], name?: string}} Wanted `name`: of the task, to tell several apart */
/** @typedef {{axis: Axis, range: [number, number] | null, origin: (task: string) => number}} Extent */

const PAGE_POINTS = 200_000;

/**
 * The reported points of curves, in a range of the axis. Throws ApiError.
 * @param {Wanted[]} wanted
 * @param {Extent} extent
 * @param {AbortSignal} signal
 */
export async function csv(wanted, extent, signal) {
  const isCompared = wanted.some(({ name }) => name !== undefined);
  const place = { iter: "iteration", time: "time", relative: "milliseconds" }[extent.axis];
  const parts = [line([...(isCompared ? ["task", "name"] : []), "metric", "variant", place, "value"])];
  for (const one of wanted) for await (const text of pages(one, extent, signal)) parts.push(text);
  return new Blob(parts, { type: "text/csv" });
}

/** @param {Wanted} wanted @param {Extent} extent @param {AbortSignal} signal */
async function* pages({ task, metric, variants, name }, { axis, range, origin }, signal) {
  const key = axis === "iter" ? "iter" : "timestamp";
  const start = axis === "relative" ? origin(task) : 0;
  const [from, to] = range ?? [-Infinity, Infinity];
  const body = { task, metric: { metric, variants }, key, batch_size: PAGE_POINTS };
  for (let scroll = ""; ; ) {
    const answer = await call("events.scalar_metrics_iter_raw", { ...body, scroll_id: scroll }, { signal });
    if (!answer.returned) return;
    scroll = answer.scroll_id;
    let isBeyond = true;
    const lines = /** @type {string[]} */ ([]);
    for (const [variant, points] of Object.entries(/** @type {Record<string, any>} */ (answer.variants))) {
      points[key].forEach((/** @type {number} */ place, /** @type {number} */ i) => {
        const x = place - start;
        if (x <= to) isBeyond = false;
        if (x < from || x > to) return;
        lines.push(line([...(name === undefined ? [] : [task, name]), metric, variant, axis === "time" && isDate(x) ? new Date(x).toISOString() : x, points.y[i]]));
      });
    }
    yield lines.join("");
    if (isBeyond) return;
  }
}

/** @param {unknown[]} cells */
function line(cells) {
  return `${cells.map(cell).join(",")}\r\n`;
}

/** A cell; what a spreadsheet would take for a formula is kept a text. @param {unknown} value */
function cell(value) {
  if (typeof value === "number") return String(value);
  const text = String(value ?? "").replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
