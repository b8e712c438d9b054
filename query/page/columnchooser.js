// The dialog in which somebody chooses the columns of the table of tasks.

import { describe, isAbort } from "./api.js";
import { MAX_COLUMNS, available, label } from "./columns.js";
import { h, iconButton, notice, replace } from "./dom.js";

const MOST_SHOWN = 150; // choices in the document at once; of more, a search says which

/**
 * Open it. `changed` gets the names, in the order in which the columns stand.
 * @param {{chosen: string[], project: string, changed: (names: string[]) => void, signal: AbortSignal}} wish
 */
export function chooseColumns({ chosen, project, changed, signal }) {
  const names = [...chosen];
  /** @type {import("./columns.js").Column[]} */
  let columns = names.map((name) => ({ name, label: label(name), group: "Shown" }));
  const list = h("div", { class: "choices-list" }, notice("Reading the names of metrics and hyper-parameters …"));
  const search = h("input", { type: "search", placeholder: "Search columns", "aria-label": "Search columns", oninput: () => show() });
  const close = iconButton("close", "Close", () => dialog.close());
  const dialog = h("dialog", { class: "columns card", "aria-label": "Columns", onclose: () => dialog.remove() }, h("header", {}, h("h3", {}, "Columns"), close), search, list);
  const toggle = (/** @type {string} */ name, /** @type {boolean} */ isShown) => {
    if (isShown) names.push(name);
    else names.splice(names.indexOf(name), 1);
    changed([...names]);
  };
  const choice = (/** @type {import("./columns.js").Column} */ column) => {
    const box = h("input", { type: "checkbox", checked: names.includes(column.name), disabled: names.length >= MAX_COLUMNS && !names.includes(column.name), onchange: () => toggle(column.name, box.checked) });
    return h("li", {}, h("label", { title: column.name }, box, h("span", {}, column.label)));
  };
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = columns.filter(({ name, label: text }) => words.every((word) => `${name} ${text}`.toLowerCase().includes(word)));
    const first = [...found].sort((a, b) => Number(names.includes(b.name)) - Number(names.includes(a.name))).slice(0, MOST_SHOWN);
    const groups = [...Map.groupBy(found.filter((column) => first.includes(column)), ({ group }) => group)];
    const sections = groups.map(([title, of]) => h("section", {}, h("h4", {}, title), h("ul", {}, ...of.map(choice))));
    const more = found.length - first.length;
    replace(list, ...sections, found.length ? null : notice("No column matches."), more > 0 ? notice(`${more} more: search for them.`) : null);
  };
  document.body.append(dialog);
  signal.addEventListener("abort", () => dialog.close());
  dialog.showModal();
  available(project, signal).then(
    (all) => ((columns = [...all, ...columns.filter(({ name }) => all.every((one) => one.name !== name))]), show()),
    (error) => isAbort(error) || replace(list, notice(describe(error), true)),
  );
}
