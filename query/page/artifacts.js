// What a task has made: artifacts and models, with a preview and a download; and its configuration as text.

import { call, describe, isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import { candidates } from "./files.js";
import * as format from "./format.js";
import { preview } from "./media.js";

/** @typedef {{key: string, type: string, mode?: string, uri?: string, hash?: string, timestamp?: number, content_size?: number, type_data?: {preview?: string}}} Artifact */
/** @typedef {{id: string, name: string, uri?: string, framework?: string, ready?: boolean, comment?: string, created?: string}} Model */

const FIELDS = ["execution.artifacts", "configuration", "models"];
const MODEL_FIELDS = ["name", "uri", "framework", "ready", "created"];
const MOST_MODELS = 500; // of a task, newest first

/** @type {import("./task.js").ShowTab} */
export function artifacts(root, id, signal) {
  let shown = "";
  const show = async () => {
    try {
      const { tasks } = await call("tasks.get_all_ex", { id: [id], only_fields: FIELDS, search_hidden: true }, { signal });
      const models = await modelsOf(id, tasks[0]?.models ?? {}, signal);
      const told = JSON.stringify([tasks, models]);
      if (told !== shown) replace(root, ...sections(tasks[0] ?? {}, models, signal)); // else what somebody has opened stays open
      shown = told;
    } catch (error) {
      if (!isAbort(error)) replace(root, notice(describe(error), true));
    }
  };
  show();
  return { again: show, change: show };
}

/** Models that the task made or was started with. @param {string} id @param {any} named @param {AbortSignal} signal @returns {Promise<{output: Model[], input: Model[]}>} */
async function modelsOf(id, named, signal) {
  const wish = { only_fields: MODEL_FIELDS, order_by: ["-created"], page: 0, page_size: MOST_MODELS };
  const idsOf = (/** @type {any[]} */ items) => items.map(({ model }) => model).filter(Boolean);
  const byId = async (/** @type {string[]} */ ids) => (ids.length ? (await call("models.get_all_ex", { ...wish, id: ids }, { signal })).models : []);
  const [own, output, input] = await Promise.all([
    call("models.get_all_ex", { ...wish, task: [id] }, { signal }),
    byId(idsOf(named.output ?? [])),
    byId(idsOf(named.input ?? [])),
  ]);
  return { output: [...new Map([...own.models, ...output].map((model) => [model.id, model])).values()], input };
}

/** @param {any} task @param {{output: Model[], input: Model[]}} models @param {AbortSignal} signal */
function sections(task, { output, input }, signal) {
  const files = (task.execution?.artifacts ?? []).map((/** @type {Artifact} */ artifact) => artifactItem(artifact, signal));
  const configurations = Object.values(task.configuration ?? {}).map(configurationItem);
  const cards = [
    card("Artifacts", files),
    card("Models", output.map((model) => modelItem(model))),
    card("Models that it started from", input.map((model) => modelItem(model))),
    card("Configuration", configurations),
  ].filter((one) => one !== null);
  return cards.length ? cards : [notice("No artifacts, models or configuration yet.")];
}

/** @param {string} title @param {HTMLElement[]} items */
function card(title, items) {
  return items.length ? h("section", { class: "card items-card", "aria-label": title }, h("header", {}, h("h3", {}, title)), ...items) : null;
}

/** @param {Artifact} artifact @param {AbortSignal} signal */
function artifactItem({ key, type, mode, uri = "", hash, timestamp, content_size, type_data }, signal) {
  const facts = [type, mode === "input" ? "input" : "", content_size ? format.bytes(content_size) : "", timestamp ? format.moment(timestamp * 1000) : ""];
  return item(key, facts, uri, () => {
    const file = uri ? preview({ metric: key, variant: "", iter: 0, url: uri, timestamp: timestamp ?? 0 }, signal) : null;
    const text = !file && type_data?.preview ? h("pre", { tabindex: 0, "aria-label": `Preview of ${key}` }, type_data.preview) : null;
    const digest = hash ? h("p", { class: "about" }, `SHA-256 ${hash}`) : null;
    return [file ?? text ?? notice("There is no preview of such files."), digest];
  });
}

/** @param {Model} model */
function modelItem({ id, name, uri = "", framework, ready, created }) {
  const facts = [framework, ready ? "published" : "draft", created ? format.moment(created) : ""];
  return item(name || "unnamed", facts, uri, () => [h("p", { class: "about" }, `id ${id}`), uri ? h("p", { class: "about" }, uri) : notice("The model has no file.")]);
}

/** @param {any} configuration */
function configurationItem({ name, type, value, description }) {
  return item(name, [type, description], "", () => [h("pre", { tabindex: 0, "aria-label": name }, value ?? "")]);
}

/**
 * A line that opens; its content is made when it is opened first.
 * @param {string} name @param {(string | undefined)[]} facts @param {string} uri @param {() => (HTMLElement | null)[]} content
 */
function item(name, facts, uri, content) {
  const body = h("div", { class: "item-body" });
  const about = facts.filter(Boolean).map((fact) => h("span", { class: "about" }, fact));
  const element = h("details", { class: "item" }, h("summary", {}, h("span", { class: "name" }, name), ...about), body);
  element.addEventListener("toggle", () => element.open && !body.hasChildNodes() && replace(body, ...content()));
  return h("div", { class: "item-row" }, element, downloader(name, uri));
}

/** A link to the file, if a browser can reach it. @param {string} name @param {string} uri */
function downloader(name, uri) {
  const [address] = uri ? candidates(uri) : [];
  if (!address) return null;
  const file = decodeURIComponent(URL.parse(uri)?.pathname.split("/").pop() || name);
  const link = h("a", { class: "button", href: address, download: file, rel: "noopener noreferrer", "aria-label": `Download ${name}` }, "Download");
  link.addEventListener("pointerdown", () => (link.href = candidates(uri)[0])); // the first address may have turned out to be wrong since
  return link;
}
