// Quotas and how much of them is used, for administrators.

import { call, describe, isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import * as format from "./format.js";

/** @typedef {{scope: string, id: string, name: string, kind: string, limit: number, used: number, is_default: boolean}} Quota */

const REFRESH_MS = 5000;
const NEARLY = 0.8; // of a limit, from where on it is shown in another color
const KINDS = /** @type {Record<string, string>} */ ({
  events_per_second: "Events a second",
  bytes_per_day: "Bytes of events today",
  stored_bytes: "Bytes of stored events",
  metrics_per_task: "Metrics of a task",
  tasks: "Tasks",
  files: "Files",
  file_bytes: "Bytes of files",
  streams: "Open streams",
});

/** @type {import("./app.js").Show} */
export async function quotas(root, _path, signal) {
  const list = h("div", { "aria-live": "off" });
  replace(root, h("div", { class: "title" }, h("h1", {}, "Quotas")), list);
  const read = async () => {
    try {
      const { quotas } = await call("quotas.get_all", {}, { signal });
      replace(list, quotas.length ? table(quotas) : notice("Nobody is limited."));
    } catch (error) {
      if (!isAbort(error)) replace(list, notice(describe(error), true));
    }
  };
  await read();
  const timer = setInterval(read, REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** The quotas that are used most come first. @param {Quota[]} quotas */
function table(quotas) {
  const heads = ["Of", "What", "Used", "Limit", "Share"].map((text) => h("th", { scope: "col" }, text));
  const rows = quotas.toSorted((a, b) => share(b) - share(a)).map(row);
  return h("section", { class: "card scrolled", tabindex: 0, "aria-label": "Quotas" }, h("table", { class: "plain quotas" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows)));
}

/** @param {Quota} quota */
function row(quota) {
  const percent = `${Math.round(share(quota) * 100)} %`;
  const meter = h("meter", { min: 0, max: 1, high: NEARLY, value: Math.min(1, share(quota)), "aria-label": percent });
  return h(
    "tr",
    {},
    h("th", { scope: "row", title: quota.id }, `${quota.scope} ${quota.name || quota.id}`),
    h("td", {}, KINDS[quota.kind] ?? quota.kind),
    h("td", { class: "number" }, amount(quota, quota.used)),
    h("td", { class: "number", title: quota.is_default ? "of every company without its own" : "" }, amount(quota, quota.limit)),
    h("td", {}, meter, ` ${percent}`),
  );
}

/** @param {Quota} quota */
function share({ used, limit }) {
  return limit ? used / limit : 1;
}

/** @param {Quota} quota @param {number} value */
function amount({ kind }, value) {
  return kind.includes("bytes") ? format.bytes(value) : format.number(value);
}
