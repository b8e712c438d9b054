// What compared tasks were started with: hyper-parameters, configuration, code and environment, side by side.

import { call, describe, isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import { written } from "./information.js";
import * as route from "./route.js";
import { swatch } from "./swatch.js";

/** @typedef {Map<string, Map<string, string>>} Facts  by section, the text of each name */
/** @typedef {{ids: string[], names: Map<string, string>, signal: AbortSignal, color: (id: string) => number}} Compared */

const FIELDS = ["hyperparams", "configuration", "script", "container", "models.input"];
const SCRIPT = /** @type {[string, string][]} */ ([
  ["repository", "repository"],
  ["branch", "branch"],
  ["commit", "version_num"],
  ["script", "entry_point"],
  ["working directory", "working_dir"],
  ["uncommitted changes", "diff"],
]);

/** A part of the page that is read when it is opened first. @param {Compared} compared */
export function differences(compared) {
  const body = h("div", {});
  const element = h("details", { class: "card values" }, h("summary", {}, "Parameters, code and environment"), body);
  let isRead = false;
  element.addEventListener("toggle", () => {
    route.remember({ started: element.open ? "1" : "" });
    if (element.open && !isRead) isRead = Boolean(show(body, compared));
  });
  element.open = Boolean(route.param("started"));
  return element;
}

/** @param {HTMLElement} body @param {Compared} compared */
async function show(body, compared) {
  try {
    const { tasks } = await call("tasks.get_all_ex", { id: compared.ids, only_fields: FIELDS, search_hidden: true, page_size: compared.ids.length }, { signal: compared.signal });
    const facts = new Map(tasks.map((/** @type {any} */ task) => [task.id, factsOf(task)]));
    const table = h("div", { class: "scrolled", tabindex: 0, role: "group", "aria-label": "What differs" });
    const draw = () => replace(table, tableOf(compared, facts, base.value, !all.checked));
    const remember = () => (route.remember({ base: base.value === compared.ids[0] ? "" : base.value, all: all.checked ? "1" : "" }), draw());
    const base = h("select", { onchange: remember }, compared.ids.map((id) => h("option", { value: id, selected: id === route.param("base") }, compared.names.get(id))));
    const all = h("input", { type: "checkbox", checked: Boolean(route.param("all")), onchange: remember });
    replace(body, h("div", { class: "choices" }, h("label", {}, "Compared with ", base), h("label", {}, all, " also what is the same")), table);
    draw();
  } catch (error) {
    if (!isAbort(error)) replace(body, notice(describe(error), true));
  }
}

/** @param {any} task @returns {Facts} */
function factsOf(task) {
  /** @type {Facts} */
  const facts = new Map();
  const add = (/** @type {string} */ section, /** @type {string} */ name, /** @type {unknown} */ value) => {
    if (value === undefined || value === null || value === "") return;
    facts.set(section, (facts.get(section) ?? new Map()).set(name, written(value)));
  };
  for (const [section, own] of Object.entries(task.hyperparams ?? {})) {
    for (const { name, value } of Object.values(/** @type {Record<string, any>} */ (own))) add(section, name, value);
  }
  for (const { name, value } of Object.values(/** @type {Record<string, any>} */ (task.configuration ?? {}))) add("Configuration", name, value);
  for (const [name, field] of SCRIPT) add("Code", name, task.script?.[field]);
  for (const [name, version] of packages(task.script?.requirements?.pip)) add("Packages", name, version);
  add("Container", "image", task.container?.image);
  for (const { name, model } of task.models?.input ?? []) add("Input models", name, model?.name ?? model?.id ?? model);
  return facts;
}

/** Names and versions of a requirements file. @param {unknown} requirements @returns {[string, string][]} */
function packages(requirements) {
  const lines = Array.isArray(requirements) ? requirements : String(requirements ?? "").split("\n");
  return lines.map((line) => String(line).trim()).filter((line) => line && !line.startsWith("#")).map((line) => {
    const [, name, version] = /^([\w.[\]-]+)\s*(.*)$/.exec(line) ?? [line, line, ""];
    return [name, version.replace(/^==\s*/, "") || "any"];
  });
}

/** @param {Compared} compared @param {Map<string, Facts>} facts @param {string} base @param {boolean} areDifferent */
function tableOf({ ids, names, color }, facts, base, areDifferent) {
  const shown = ids.filter((id) => facts.has(id));
  const heads = shown.map((id) => h("th", { scope: "col" }, swatch(color(id)), names.get(id)));
  const sections = [...new Set(shown.flatMap((id) => [...(facts.get(id)?.keys() ?? [])]))];
  const bodies = sections.flatMap((section) => {
    const lines = linesOf(section, shown, facts, base, areDifferent);
    return lines.length ? [h("tbody", {}, h("tr", {}, h("th", { scope: "rowgroup", class: "section", colspan: shown.length + 1 }, section)), ...lines)] : [];
  });
  if (!bodies.length) return notice(sections.length ? "They were started with the same." : "None of them says what it was started with.");
  return h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("td"), ...heads)), ...bodies);
}

/** @param {string} section @param {string[]} ids @param {Map<string, Facts>} facts @param {string} base @param {boolean} areDifferent */
function linesOf(section, ids, facts, base, areDifferent) {
  const textOf = (/** @type {string} */ id, /** @type {string} */ name) => facts.get(id)?.get(section)?.get(name);
  const found = [...new Set(ids.flatMap((id) => [...(facts.get(id)?.get(section)?.keys() ?? [])]))].sort((a, b) => a.localeCompare(b));
  return found.filter((name) => !areDifferent || new Set(ids.map((id) => textOf(id, name))).size > 1).map((name) => {
    const cells = ids.map((id) => cell(textOf(id, name), textOf(base, name)));
    return h("tr", {}, h("th", { scope: "row", title: name }, name), ...cells);
  });
}

/** @param {string | undefined} text @param {string | undefined} base */
function cell(text, base) {
  const content = text === undefined ? h("span", { class: "missing", title: "It has no such value" }, "–") : h("div", { class: "text" }, text);
  return h("td", { class: text === base ? "" : "differs" }, content);
}
