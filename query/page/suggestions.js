// What may come next in a filter: columns, keywords, and the values of columns that have few.

import { call, isAbort } from "./api.js";
import { LATEST, available, quoted } from "./columns.js";
import * as format from "./format.js";

/** @typedef {import("./completion.js").Suggestion} Suggestion */

const KEYWORDS = ["and", "or", "not", "in"];
const READ_MS = 60_000;

export class Suggestions {
  /** @param {() => string} project @param {AbortSignal} signal */
  constructor(project, signal) {
    this.project = project;
    this.signal = signal;
    /** @type {Map<string, {at: number, found: Promise<Suggestion[]>}>} */
    this.read = new Map();
  }

  /** @param {string} typed in lower case @param {string} column that is compared, or "" */
  async of(typed, column) {
    const all = await (column ? this.values(column) : this.columns());
    const found = all.filter(({ text }) => text.toLowerCase().includes(typed) && text.toLowerCase() !== typed);
    const rank = (/** @type {Suggestion} */ { text }) => Number(!text.toLowerCase().replace(/^"/, "").startsWith(typed));
    return found.sort((a, b) => rank(a) - rank(b));
  }

  columns() {
    return this.once(`columns ${this.project()}`, async () => {
      const columns = (await available(this.project(), this.signal)).filter(({ name }) => name !== LATEST);
      return [{ text: "name", about: "Task" }, ...columns.map(({ name, group }) => ({ text: name, about: group })), ...KEYWORDS.map((text) => ({ text }))];
    });
  }

  /** @param {string} column */
  values(column) {
    const projects = this.project() ? [this.project()] : [];
    const ask = { tag: "tags", tags: "tags", user: "users", project: "projects", type: "types" }[column];
    if (column === "status") return Promise.resolve(Object.keys(format.STATUS).map((text) => ({ text, about: format.STATUS[text] })));
    if (!ask) return Promise.resolve([]);
    const body = ask === "projects" ? { only_fields: ["name"], order_by: ["name"] } : { projects };
    const action = { tags: "get_task_tags", users: "get_user_names", projects: "get_all_ex", types: "" }[ask];
    return this.once(`${ask} ${projects}`, async () => {
      const answer = await call(action ? `projects.${action}` : "tasks.get_types", body, { signal: this.signal });
      return answer[ask].map((/** @type {any} */ one) => ({ text: quoted(one.name ?? one) }));
    });
  }

  /** What was read within the last minute, or is read now. @param {string} key @param {() => Promise<Suggestion[]>} read */
  once(key, read) {
    const known = this.read.get(key);
    if (known && performance.now() - known.at < READ_MS) return known.found;
    const found = read().catch((error) => (isAbort(error) || this.read.delete(key), []));
    this.read.set(key, { at: performance.now(), found });
    return found;
  }
}
