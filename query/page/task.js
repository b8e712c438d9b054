// One task: its head, and a tab for each kind of what it reports.

import { call, describe, isAbort } from "./api.js";
import { artifacts } from "./artifacts.js";
import { changes } from "./changes.js";
import { console_ } from "./console.js";
import { h, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { images } from "./images.js";
import { information } from "./information.js";
import { stepTabs } from "./keyboard.js";
import { Liveness, follow, throttled } from "./live.js";
import { plots } from "./plots.js";
import * as route from "./route.js";
import { scalars, system } from "./scalars.js";
import { status } from "./status.js";
import { TidyBar } from "./tidybar.js";

/**
 * What a tab does when something of its task is written, or deleted (`reset`; else it does `again`).
 * @typedef {{
 *   points?: (metrics: Record<string, Record<string, import("./live.js").NewPoints>>) => void,
 *   change?: (types: string[]) => void,
 *   again?: () => void,
 *   reset?: () => void,
 * }} Tab
 * @typedef {(root: HTMLElement, id: string, signal: AbortSignal) => Tab} ShowTab
 */

const TABS = /** @type {[string, string, ShowTab][]} */ ([
  ["scalars", "Scalars", scalars],
  ["plots", "Plots", plots],
  ["images", "Images", images],
  ["console", "Console", console_],
  ["artifacts", "Artifacts", artifacts],
  ["info", "Info", information],
  ["system", "System", system],
]);
const FIELDS = ["name", "status", "project.name", "user.name", "last_update", "last_iteration", "started", "completed", "tags", "system_tags", "status_message", "status_reason", "refused_events"];
const HEAD_MS = 3000;
const POLL_MS = 10_000;

/** @type {import("./app.js").Show} */
export async function task(root, [id, tab = "scalars"], signal) {
  const head = h("div", { class: "head" });
  const body = h("div", { class: "tab" });
  const live = h("span", { class: "live", hidden: true }, "live");
  const [, label, show] = TABS.find(([name]) => name === tab) ?? TABS[0];
  const links = TABS.map(([name, title]) =>
    h("a", { href: route.link(["task", id, name]), role: "tab", "aria-selected": String(name === tab), "aria-controls": "tab" }, title),
  );
  const bar = new TidyBar({ ids: () => [id], gone: () => (location.hash = "#/tasks") });
  replace(root, h("div", { class: "task-head" }, head, bar.element), h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": "What the task reports", onkeydown: (/** @type {KeyboardEvent} */ e) => stepTabs(links, e) }, ...links), live), h("div", { role: "tabpanel", id: "tab", "aria-label": label }, h("h2", { class: "unseen" }, label), body));
  const liveness = new Liveness(live);
  const refresh = throttled(HEAD_MS, () => fillHead(head, id, { liveness, bar }, signal), signal);
  const shown = show(body, id, signal);
  const again = () => (refresh(), shown.again?.());
  const ifThere = async (/** @type {(() => void) | undefined} */ reread) => {
    refresh();
    if (await isThere(id, signal)) reread?.(); // a tab of a task that was deleted has nothing to ask for
  };
  const listener = {
    ready: again,
    points: (/** @type {string} */ _, /** @type {Parameters<NonNullable<Tab["points"]>>[0]} */ metrics) => shown.points?.(metrics),
    change: (/** @type {string} */ _, /** @type {string[]} */ types) => (refresh(), shown.change?.(types)),
    reset: () => ifThere(shown.reset ?? shown.again),
    state: (/** @type {boolean} */ isConnected) => liveness.connect(isConnected),
  };
  /** @type {AbortController | null} */
  let following = null;
  const start = () => {
    if (following) return;
    following = new AbortController();
    follow([id], tab === "scalars" || tab === "system", listener, AbortSignal.any([signal, following.signal]));
  };
  const stop = () => (following?.abort(), (following = null)); // the stream of a deleted task is refused
  start();
  changes.addEventListener("removing", stop, { signal });
  changes.addEventListener("changed", () => ifThere(() => (start(), shown.again?.())), { signal });
  const timer = setInterval(() => document.hidden || refresh(), POLL_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  await refresh();
}

/** Whether a task has not been deleted; false once its view is left. @param {string} id @param {AbortSignal} signal */
async function isThere(id, signal) {
  try {
    return (await call("tasks.get_all_ex", { id: [id], only_fields: ["id"], search_hidden: true }, { signal })).tasks.length > 0;
  } catch (error) {
    return !isAbort(error);
  }
}

/** @param {HTMLElement} head @param {string} id @param {{liveness: Liveness, bar: TidyBar}} told @param {AbortSignal} signal */
async function fillHead(head, id, { liveness, bar }, signal) {
  try {
    const { tasks } = await call("tasks.get_all_ex", { id: [id], only_fields: FIELDS, search_hidden: true }, { signal });
    if (!tasks.length) throw new Error("There is no such task.");
    const [task] = tasks;
    liveness.tell([{ status: task.status, updated: task.last_update }]);
    bar.showOne(task);
    document.title = `${task.name} · Eventide`;
    const facts = [
      format.STATUS[task.status] ?? task.status,
      task.project?.name,
      task.user?.name,
      task.last_iteration ? `iteration ${format.number(task.last_iteration)}` : "",
      task.started ? `${task.completed ? "ran" : "runs for"} ${format.duration(spent(task))}` : "",
      `updated ${format.ago(task.last_update)}`,
      task.system_tags?.includes("archived") ? "archived" : "",
    ];
    replace(
      head,
      h("a", { class: "up", href: "#/tasks" }, "Tasks"),
      h("div", { class: "title" }, status(task.status), h("h1", {}, task.name || "unnamed")),
      h("p", { class: "facts" }, ...facts.filter(Boolean).map((fact) => h("span", {}, fact)), ...(task.tags ?? []).map((/** @type {string} */ tag) => h("span", { class: "tag" }, tag))),
      refused(task.refused_events ?? {}),
      task.status === "failed" && (task.status_message || task.status_reason) ? notice(task.status_message || task.status_reason, true) : null,
    );
  } catch (error) {
    if (!isAbort(error)) replace(head, notice(describe(error), true));
  }
}

/** What of a task's events is not there, as they were refused. @param {Record<string, number>} counts by reason */
function refused(counts) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (!total) return null;
  const reasons = Object.entries(counts).map(([reason, count]) => `${reason} (${format.number(count)})`);
  return notice(`${format.number(total)} ${total === 1 ? "event was" : "events were"} refused and ${total === 1 ? "is" : "are"} missing here: ${reasons.join("; ")}`, true);
}

/** @param {any} task */
function spent(task) {
  return new Date(task.completed ?? task.last_update ?? Date.now()).getTime() - new Date(task.started).getTime();
}
