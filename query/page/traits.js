// What compared tasks were started with, one text a task: hyper-parameters, tags, user. Tasks are grouped by these.

import { call } from "./api.js";

/** @typedef {Map<string, Map<string, string>>} Traits  by name of a trait, the text of each task that has it */
/** @typedef {{value: string, ids: string[]}} Group */

const FIELDS = ["hyperparams", "tags", "user.name"];
export const NONE = "none";

/** @param {string[]} ids @param {AbortSignal} signal @returns {Promise<Traits>} */
export async function readTraits(ids, signal) {
  const { tasks } = await call("tasks.get_all_ex", { id: ids, only_fields: FIELDS, search_hidden: true, page_size: ids.length }, { signal });
  /** @type {Traits} */
  const traits = new Map();
  for (const task of tasks) for (const [name, text] of traitsOf(task)) traits.set(name, (traits.get(name) ?? new Map()).set(task.id, text));
  return new Map([...traits].sort(([one], [other]) => natural(one, other)));
}

/** @param {any} task @returns {[string, string][]} */
function traitsOf({ hyperparams = {}, tags = [], user }) {
  const own = Object.entries(hyperparams).flatMap(([section, of]) => Object.values(/** @type {Record<string, any>} */ (of)).map(({ name, value }) => [`${section}/${name}`, String(value ?? "")]));
  if (tags.length) own.push(["Tags", [...tags].sort(natural).join(", ")]);
  if (user?.name) own.push(["User", user.name]);
  return /** @type {[string, string][]} */ (own);
}

/** The names of the traits in which some tasks differ. @param {Traits} traits @param {string[]} ids */
export function differing(traits, ids) {
  return [...traits].filter(([, of]) => new Set(ids.map((id) => of.get(id))).size > 1).map(([name]) => name);
}

/** Tasks with the same text of a trait, numbers by size; those without any come last. @param {Traits} traits @param {string} name @param {string[]} ids @returns {Group[]} */
export function grouped(traits, name, ids) {
  const of = traits.get(name);
  const groups = Map.groupBy(ids, (id) => of?.get(id) ?? NONE);
  const isLast = (/** @type {string} */ value) => Number(value === NONE);
  return [...groups].map(([value, own]) => ({ value, ids: own })).sort((a, b) => isLast(a.value) - isLast(b.value) || sizes(a.value, b.value));
}

/** @param {string} one @param {string} other */
function sizes(one, other) {
  const difference = Number(one) - Number(other);
  return Number.isNaN(difference) ? natural(one, other) : difference;
}

/** @param {string} one @param {string} other */
function natural(one, other) {
  return one.localeCompare(other, "en", { numeric: true });
}
