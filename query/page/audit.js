// The audit log, for administrators: who did what, from where; by action, user and time, a page at a time.

import { call, describe, isAbort } from "./api.js";
import { h, later, notice, replace } from "./dom.js";
import * as format from "./format.js";
import * as route from "./route.js";

/** @typedef {{timestamp: number, company: string, event: string, user: string, actor: string, address: string, client: string, details: Record<string, unknown>}} AuditEvent */

const PAGE = 50;
const PEOPLE = 500;

/** @type {import("./app.js").Show} */
export async function audit(root, _path, signal) {
  const log = new AuditLog(signal);
  replace(root, log.element);
  await log.start();
}

class AuditLog {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    /** @type {Map<string, string>} */
    this.names = new Map();
    this.newest = Infinity; // of the first page: later events would move those of further pages
    this.actions = h("select", { "aria-label": "Action", onchange: () => this.filter({ action: this.actions.value }) }, h("option", { value: "" }, "Any action"));
    this.people = h("datalist", { id: "people" });
    this.body = h("tbody");
    this.state = h("div", { "aria-live": "polite" });
    this.older = h("button", { type: "button", class: "button", onclick: () => this.turn(1) }, "Older");
    this.newer = h("button", { type: "button", class: "button", onclick: () => this.turn(-1) }, "Newer");
    this.place = h("span");
    this.table = h("div", { class: "card scrolled", tabindex: 0, role: "group", "aria-label": "Events" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["Time", "Action", "User", "From", "What"].map((text) => h("th", { scope: "col" }, text)))), this.body));
    this.element = h("div", {}, h("div", { class: "title" }, h("h1", {}, "Audit log")), this.toolbar(), this.state, this.table, h("div", { class: "pages" }, this.newer, this.older, this.place));
  }

  toolbar() {
    const change = (/** @type {string} */ name) => (/** @type {Event} */ event) => this.filter({ [name]: /** @type {HTMLInputElement} */ (event.target).value.trim() });
    const user = h("input", { type: "search", list: "people", placeholder: "User", "aria-label": "User", value: route.param("user"), oninput: later(200, change("user")) });
    const [from, to] = ["from", "to"].map((name) => h("input", { type: "datetime-local", value: route.param(name), onchange: change(name) }));
    return h("div", { class: "toolbar", role: "search" }, this.actions, user, this.people, h("label", {}, "From", from), h("label", {}, "until", to));
  }

  async start() {
    const [{ events }] = await Promise.all([call("audit.get_event_names", {}, { signal: this.signal }), this.readPeople()]);
    const own = route.param("action");
    this.actions.append(...events.map((/** @type {string} */ name) => h("option", { value: name, selected: name === own }, name)));
    await this.read();
  }

  /** People by name; who is not among them can be named by their id. */
  async readPeople() {
    const { users } = await call("users.get_all_ex", { only_fields: ["name"], order_by: ["name"], page: 0, page_size: PEOPLE }, { signal: this.signal });
    for (const { id, name } of users) this.names.set(id, name);
    this.people.append(...users.map((/** @type {{name: string}} */ { name }) => h("option", { value: name })));
  }

  /** @param {Record<string, string>} changes */
  filter(changes) {
    route.remember({ ...changes, page: "" });
    this.read();
  }

  /** @param {number} step */
  turn(step) {
    route.remember({ page: String(Math.max(0, page() + step) || "") });
    this.read();
  }

  async read() {
    const asked = (this.asked = {});
    try {
      const { events } = await call("audit.get_all", this.wanted(), { signal: this.signal });
      if (asked === this.asked) this.show(events);
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
    }
  }

  /** What the filters say, as the API takes it. */
  wanted() {
    const [action, user, from, to] = ["action", "user", "from", "to"].map(route.param);
    const id = [...this.names].find(([, name]) => name === user)?.[0] ?? user;
    const before = Math.min(to ? new Date(to).getTime() : Infinity, page() ? this.newest + 1 : Infinity);
    const times = { from_timestamp: from ? new Date(from).getTime() : 0, to_timestamp: Number.isFinite(before) ? before : 0 };
    return { events: action ? [action] : [], user: id, ...times, page: page(), page_size: PAGE };
  }

  /** @param {AuditEvent[]} events */
  show(events) {
    if (!page()) this.newest = events[0]?.timestamp ?? Infinity;
    replace(this.state, events.length ? null : notice("No event matches."));
    replace(this.body, events.map((event) => this.row(event)));
    this.newer.disabled = page() === 0;
    this.older.disabled = events.length < PAGE;
    this.place.textContent = events.length ? `${page() * PAGE + 1} to ${page() * PAGE + events.length}` : "";
    this.table.hidden = !events.length;
  }

  /** @param {AuditEvent} event */
  row({ timestamp, event, user, actor, address, client, details }) {
    const who = h("td", {}, this.name(user), actor ? h("span", { class: "about" }, `by ${this.name(actor)}`) : null);
    const what = Object.entries(details).map(([name, value]) => `${name}: ${written(value)}`).join(", ");
    const time = h("time", { datetime: new Date(timestamp).toISOString(), title: format.ago(timestamp) }, format.moment(timestamp));
    return h("tr", {}, h("td", {}, time), h("td", {}, event), who, h("td", {}, address, h("span", { class: "about" }, client)), h("td", {}, what));
  }

  /** @param {string} id */
  name(id) {
    return this.names.get(id) ?? (id || "nobody");
  }
}

function page() {
  return Math.max(0, Number.parseInt(route.param("page"), 10) || 0);
}

/** @param {unknown} value @returns {string} */
function written(value) {
  return Array.isArray(value) ? value.map(written).join(" ") : String(value);
}
