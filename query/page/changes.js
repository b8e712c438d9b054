// Changes of tasks by a person: each says what was done, what could not be, and how to undo it.

import { call } from "./api.js";

/** @typedef {{id: string, name: string, status: string, tags: string[], system_tags: string[], comment: string}} Task */
/** @typedef {{text: string, problems: string[], undo?: () => Promise<Outcome>}} Outcome */

const FIELDS = ["name", "status", "tags", "system_tags", "comment"];

/** Dispatches "changed" after every change, so that views read anew, and "removing" before tasks are deleted. */
export const changes = new EventTarget();

/** The tasks as they are now; ids of tasks that are gone are left out. @param {string[]} ids @returns {Promise<Task[]>} */
export async function read(ids) {
  const { tasks } = await call("tasks.get_all_ex", { id: ids, only_fields: FIELDS, search_hidden: true, page: 0, page_size: ids.length });
  return tasks.map((/** @type {any} */ task) => ({ tags: [], system_tags: [], comment: "", ...task }));
}

/** "1 task" or "3 tasks". @param {number} count */
export function counted(count) {
  return `${count} ${count === 1 ? "task" : "tasks"}`;
}

/** @param {Task} task @param {string} name @returns {Promise<Outcome>} */
export async function rename(task, name) {
  await call("tasks.update", { task: task.id, name });
  const renamed = { ...task, name };
  return told({ text: `Renamed to ${name}.`, problems: [], undo: () => rename(renamed, task.name) });
}

/** @param {Task} task @param {string} comment @returns {Promise<Outcome>} */
export async function annotate(task, comment) {
  await call("tasks.update", { task: task.id, comment });
  const annotated = { ...task, comment };
  return told({ text: "Note saved.", problems: [], undo: () => annotate(annotated, task.comment) });
}

/**
 * Add and remove tags. Undoing touches only the tags that this changed, of each task.
 * @param {Task[]} tasks @param {string[]} add @param {string[]} remove @returns {Promise<Outcome>}
 */
export async function retag(tasks, add, remove) {
  await call("tasks.update_tags", { ids: tasks.map(({ id }) => id), add_tags: add, remove_tags: remove });
  const changeOf = (/** @type {Task} */ { tags }) => JSON.stringify([remove.filter((tag) => tags.includes(tag)), add.filter((tag) => !tags.includes(tag))]);
  const groups = [...Map.groupBy(tasks, changeOf)];
  const undo = async () => {
    for (const [change, of] of groups) {
      const [add_tags, remove_tags] = JSON.parse(change);
      await call("tasks.update_tags", { ids: of.map(({ id }) => id), add_tags, remove_tags });
    }
    return told({ text: `Tags of ${counted(tasks.length)} are as before.`, problems: [] });
  };
  return told({ text: `Changed the tags of ${counted(tasks.length)}.`, problems: [], undo });
}

/** @param {string[]} ids @returns {Promise<Outcome>} */
export async function archive(ids) {
  return many("archive", "Archived", ids, restore);
}

/** @param {string[]} ids @returns {Promise<Outcome>} */
export async function restore(ids) {
  return many("unarchive", "Restored", ids, archive);
}

/** @param {string[]} ids @returns {Promise<Outcome>} */
export async function stop(ids) {
  return many("stop", "Stopped", ids);
}

/** Delete whatever the status is: the person was told it. @param {string[]} ids @returns {Promise<Outcome>} */
export async function remove(ids) {
  changes.dispatchEvent(new Event("removing"));
  try {
    return await many("delete", "Deleted", ids, undefined, { force: true });
  } catch (error) {
    changes.dispatchEvent(new Event("changed")); // they are there still
    throw error;
  }
}

/**
 * Call `tasks.…_many`. Only what succeeded is undone.
 * @param {string} action @param {string} verb @param {string[]} ids
 * @param {(ids: string[]) => Promise<Outcome>} [inverse] @param {object} [more] of the request
 * @returns {Promise<Outcome>}
 */
async function many(action, verb, ids, inverse, more = {}) {
  const { succeeded, failed } = await call(`tasks.${action}_many`, { ids, ...more });
  const done = succeeded.map((/** @type {any} */ { id }) => id);
  const problems = [...new Set(failed.map((/** @type {any} */ { error }) => error.msg))];
  const text = failed.length ? `${verb} ${done.length} of ${counted(ids.length)}.` : `${verb} ${counted(done.length)}.`;
  return told({ text, problems, ...(inverse && done.length ? { undo: () => inverse(done) } : {}) });
}

/** @param {Outcome} outcome */
function told(outcome) {
  changes.dispatchEvent(new Event("changed"));
  return outcome;
}
