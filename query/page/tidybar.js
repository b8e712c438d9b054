// Buttons that tidy up: of one task, or of all that are chosen in the list.

import { describe } from "./api.js";
import { archive, read, restore, stop } from "./changes.js";
import { h } from "./dom.js";
import { askDeletion, askName, askNote, askTags } from "./tidydialogs.js";
import { attempt } from "./toast.js";

/** @typedef {import("./changes.js").Task} Task */
/** @typedef {{ids: () => string[], gone?: () => void}} Chosen `gone`: called when they are deleted */

const ARCHIVED = "archived";
const STOPPABLE = new Set(["in_progress", "queued"]);

export class TidyBar {
  /** @param {Chosen} chosen */
  constructor(chosen) {
    this.chosen = chosen;
    this.rename = this.button("Rename", ([task]) => askName(task));
    this.tags = this.button("Tags", askTags);
    this.note = this.button("Note", ([task]) => askNote(task));
    this.archive = this.button("Archive", (tasks) => attempt(() => archive(idsOf(tasks))));
    this.restore = this.button("Restore", (tasks) => attempt(() => restore(idsOf(tasks))));
    this.stop = this.button("Stop", (tasks) => attempt(() => stop(idsOf(tasks))));
    this.remove = this.button("Delete", (tasks) => askDeletion(tasks, chosen.gone));
    const buttons = [this.rename, this.tags, this.note, this.archive, this.restore, this.stop, this.remove];
    this.element = h("div", { class: "tidy", role: "group", "aria-label": "Tidy up", hidden: true }, ...buttons);
  }

  /** @param {string} label @param {(tasks: Task[]) => unknown} act on the tasks as they are when it is clicked */
  button(label, act) {
    const clicked = () =>
      read(this.chosen.ids()).then(
        (tasks) => (tasks.length ? act(tasks) : attempt(async () => ({ text: "", problems: ["The task is gone."] }))),
        (error) => attempt(async () => ({ text: "", problems: [describe(error)] })),
      );
    return h("button", { type: "button", class: "button", onclick: clicked }, label);
  }

  /** Show what can be done with one task. @param {{status: string, system_tags?: string[]}} task */
  showOne({ status, system_tags = [] }) {
    this.element.hidden = false;
    this.archive.hidden = system_tags.includes(ARCHIVED);
    this.restore.hidden = !this.archive.hidden;
    this.stop.hidden = !STOPPABLE.has(status);
  }

  /** Show what can be done with many. @param {number} count @param {boolean} areArchived */
  showMany(count, areArchived) {
    this.element.hidden = count === 0;
    this.rename.hidden = this.note.hidden = count !== 1;
    this.archive.hidden = areArchived;
    this.restore.hidden = !areArchived;
    this.stop.hidden = areArchived;
  }
}

/** @param {Task[]} tasks */
function idsOf(tasks) {
  return tasks.map(({ id }) => id);
}
