// What a task was started with: hyper-parameters, and facts of its document.

import { call, describe, isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { note } from "./note.js";

const FIELDS = ["type", "comment", "created", "started", "completed", "tags", "last_worker", "status_reason", "hyperparams", "script.repository", "script.branch", "script.version_num", "script.entry_point"];

/** @type {import("./task.js").ShowTab} */
export function information(root, id, signal) {
  const read = async () => {
    try {
      const { tasks } = await call("tasks.get_all_ex", { id: [id], only_fields: FIELDS, search_hidden: true }, { signal });
      if (tasks.length) replace(root, noted(tasks[0].comment), section("Task", facts(id, tasks[0])), ...parameters(tasks[0].hyperparams ?? {}));
    } catch (error) {
      if (!isAbort(error)) replace(root, notice(describe(error), true));
    }
  };
  read();
  return { again: read };
}

/** What somebody wrote about the task. @param {string | undefined} comment */
function noted(comment) {
  return comment ? h("section", { class: "card note-card", "aria-label": "Note" }, h("header", {}, h("h3", {}, "Note")), note(comment)) : null;
}

/** @param {string} id @param {any} task @returns {[string, string][]} */
function facts(id, task) {
  const script = task.script ?? {};
  const all = /** @type {[string, string][]} */ ([
    ["id", id],
    ["type", task.type],
    ["tags", (task.tags ?? []).join(", ")],
    ["created", task.created && format.moment(task.created)],
    ["started", task.started && format.moment(task.started)],
    ["completed", task.completed && format.moment(task.completed)],
    ["worker", task.last_worker],
    ["reason", task.status_reason],
    ["repository", script.repository],
    ["branch", script.branch],
    ["commit", script.version_num],
    ["script", script.entry_point],
  ]);
  return all.filter(([, text]) => text);
}

/** @param {Record<string, Record<string, {name: string, value: unknown}>>} sections */
function parameters(sections) {
  return Object.entries(sections).map(([name, own]) => section(name, Object.values(own).map(({ name: key, value }) => [key, written(value)])));
}

/** A value as text: the SDK sends texts, other programs whatever JSON has. @param {unknown} value */
export function written(value) {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

/** @param {string} title @param {[string, string][]} rows */
function section(title, rows) {
  const lines = rows.map(([name, text]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, text)));
  return h("section", { class: "card facts-card" }, h("header", {}, h("h3", {}, title)), h("table", { class: "plain" }, h("tbody", {}, ...lines)));
}
