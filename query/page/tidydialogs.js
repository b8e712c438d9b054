// The questions that are asked before tasks are renamed, tagged, annotated or deleted.

import { describe } from "./api.js";
import { annotate, counted, remove, rename, retag } from "./changes.js";
import { h, iconButton, later, notice, replace } from "./dom.js";
import { fill, note } from "./note.js";
import { tell } from "./toast.js";

/** @typedef {import("./changes.js").Task} Task */

const PREVIEW_MS = 200;
const MOST_NAMED = 5; // tasks that the question before deleting names

/** @param {Task} task */
export function askName(task) {
  const field = h("input", { "aria-label": "Name", value: task.name, required: true, minlength: 3, spellcheck: "false" });
  ask("Rename", "Rename", [field], () => rename(task, field.value.trim()));
  field.select();
}

/** @param {Task} task */
export function askNote(task) {
  const preview = note(task.comment);
  const field = h("textarea", { "aria-label": "Note, in Markdown", rows: 10, oninput: later(PREVIEW_MS, () => fill(preview, field.value)) }, task.comment);
  ask("Note", "Save", [field, h("section", { class: "preview", "aria-label": "Preview", tabindex: 0 }, preview)], () => annotate(task, field.value));
  field.focus();
}

/** @param {Task[]} tasks */
export function askTags(tasks) {
  const names = [...new Set(tasks.flatMap(({ tags }) => tags))].sort();
  const boxes = new Map(names.map((name) => [name, tagBox(name, tasks)]));
  const field = h("input", { "aria-label": "New tags, separated by commas", placeholder: "New tags, separated by commas", autocomplete: "off" });
  const list = h("ul", { class: "tag-list" }, ...[...boxes].map(([name, box]) => h("li", {}, h("label", {}, box, h("span", {}, name)))));
  ask("Tags", "Save", [list, field], () => {
    const decided = [...boxes].filter(([, box]) => !box.indeterminate);
    const typed = field.value.split(",").map((tag) => tag.trim()).filter(Boolean);
    const add = [...decided.filter(([, box]) => box.checked).map(([name]) => name), ...typed];
    const gone = decided.filter(([name, box]) => !box.checked && !typed.includes(name)).map(([name]) => name);
    return retag(tasks, add, gone);
  });
  field.focus();
}

/** A tag that some have and others have not stays so until it is clicked. @param {string} name @param {Task[]} tasks */
function tagBox(name, tasks) {
  const count = tasks.filter(({ tags }) => tags.includes(name)).length;
  const box = h("input", { type: "checkbox", checked: count === tasks.length });
  box.indeterminate = count > 0 && count < tasks.length;
  return box;
}

/** @param {Task[]} tasks @param {() => void} [gone] called when all are deleted */
export function askDeletion(tasks, gone) {
  const named = tasks.slice(0, MOST_NAMED).map(({ name }) => h("li", {}, name || "unnamed"));
  if (tasks.length > MOST_NAMED) named.push(h("li", {}, `and ${tasks.length - MOST_NAMED} more`));
  const warnings = [["in_progress", "running"], ["published", "published"]].flatMap(([state, word]) => {
    const count = tasks.filter(({ status }) => status === state).length;
    return count ? [h("p", { class: "notice error" }, `${counted(count)} of them ${count === 1 ? "is" : "are"} ${word}.`)] : [];
  });
  const text = h("p", {}, "Their curves, plots, images, logs and unpublished models go with them. This cannot be undone. Uploaded files stay.");
  ask(`Delete ${counted(tasks.length)}?`, "Delete", [h("ul", { class: "named" }, ...named), ...warnings, text], async () => {
    const outcome = await remove(tasks.map(({ id }) => id));
    if (!outcome.problems.length) gone?.();
    return outcome;
  });
}

/**
 * Open a dialog, which stays open and says why when `submit` fails.
 * @param {string} title @param {string} action what the button says
 * @param {Node[]} content @param {() => Promise<import("./changes.js").Outcome>} submit
 */
function ask(title, action, content, submit) {
  const close = iconButton("close", "Close", () => dialog.close());
  const send = h("button", { class: action === "Delete" ? "button danger" : "button primary" }, action);
  const cancel = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const submitted = async (/** @type {Event} */ event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      tell(await submit());
      dialog.close();
    } catch (error) {
      replace(problem, notice(describe(error), true));
    }
    send.disabled = false;
  };
  const problem = h("div");
  const form = h("form", { onsubmit: submitted }, ...content, problem, h("footer", {}, cancel, send));
  const dialog = h("dialog", { class: "asks card", "aria-label": title, onclose: () => dialog.remove() }, h("header", {}, h("h3", {}, title), close), form);
  addEventListener("hashchange", () => dialog.close(), { once: true });
  document.body.append(dialog);
  dialog.showModal();
}
