// The list of tasks: columns of one's choice, sorted and filtered by the server, of any length, live.

import { call, describe, isAbort } from "./api.js";
import { changes } from "./changes.js";
import { chooseColumns } from "./columnchooser.js";
import { DEFAULT_COLUMNS, LATEST, MAX_COLUMNS, isSortable, label } from "./columns.js";
import { completed } from "./completion.js";
import { h, later, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { listen } from "./keyboard.js";
import { fillLatest } from "./latestvalues.js";
import { Liveness, follow, throttled } from "./live.js";
import * as route from "./route.js";
import { Suggestions } from "./suggestions.js";
import { TaskRows } from "./taskrows.js";
import { TidyBar } from "./tidybar.js";

/** @typedef {import("./taskrows.js").Row} Row */

const CHUNK = 100; // rows of one call, and tasks that are followed
const REFRESH_MS = 1500;
const POLL_MS = 10_000;
const TYPING_MS = 200;
const SCROLLING_MS = 60;
const MAX_COMPARED = 100;
const BASE = ["name", "status", "project", "tags", "updated"];
const ORDER = "-updated";
const ARCHIVED = "archived"; // of the choice of states the one that is a system tag
const STATES = ["in_progress", "completed", "failed", "stopped", "created", "queued", "published", ARCHIVED];

/** @type {import("./app.js").Show} */
export async function tasks(root, _path, signal) {
  const list = new TaskList(signal);
  replace(root, list.element);
  await list.start();
}

class TaskList {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    /** @type {Map<number, Row>} */
    this.known = new Map();
    /** @type {Map<string, string>} when the task of a row whose curves are shown was updated */
    this.drawn = new Map();
    this.total = 0;
    this.asked = 0;
    this.chosen = new Set(route.param("choose").split(",").filter(Boolean));
    this.following = "";
    this.stop = new AbortController();
    this.state = h("div", { "aria-live": "polite" });
    this.count = h("output", { class: "count about" });
    this.compare = h("button", { type: "button", class: "button primary", onclick: () => this.openComparison() });
    this.tidy = new TidyBar({ ids: () => [...this.chosen], gone: () => this.clear() });
    this.chosenBar = h("div", { class: "chosen", hidden: true }, h("span", { class: "about" }), this.tidy.element, h("button", { type: "button", class: "button", onclick: () => this.clear() }, "Choose none"));
    this.live = h("span", { class: "live", hidden: true }, "live");
    this.liveness = new Liveness(this.live);
    this.projects = h("select", { "aria-label": "Project", onchange: () => this.changeFilter({ project: this.projects.value }) }, h("option", { value: "" }, "All projects"));
    this.order = h("select", { class: "narrow", "aria-label": "Sort by", onchange: () => this.sort(this.order.value) });
    this.readSeen = later(SCROLLING_MS, () => this.readMissing());
    this.refresh = throttled(REFRESH_MS, () => this.read(), signal);
    this.rows = new TaskRows({
      sort: (order) => this.sort(order),
      isChosen: (id) => this.chosen.has(id),
      choose: (id, isChosen) => this.choose(id, isChosen),
      seen: () => this.readSeen(),
      rowAt: (place) => this.known.get(place),
    }, signal);
    this.element = h("div", {}, h("div", { class: "title" }, h("h1", {}, "Tasks"), this.count, this.live, this.compare), this.filters(), this.chosenBar, this.state, this.rows.element);
    this.showChosen();
    this.arrange();
  }

  filters() {
    const suggestions = new Suggestions(() => route.param("project"), this.signal);
    const search = completed({
      label: "Search tasks",
      value: route.param("q"),
      changed: later(TYPING_MS, (/** @type {string} */ q) => this.changeFilter({ q })),
      suggest: (typed, column) => suggestions.of(typed, column),
    });
    const states = STATES.map((state) => h("option", { value: state, selected: state === route.param("status") }, format.STATUS[state] ?? "Archived"));
    const change = (/** @type {Event} */ e) => this.changeFilter({ status: /** @type {HTMLSelectElement} */ (e.target).value });
    const status = h("select", { "aria-label": "Status", onchange: change }, h("option", { value: "" }, "Any status"), ...states);
    const columns = h("button", { type: "button", class: "button", onclick: () => this.openChooser() }, "Columns");
    return h("div", { class: "toolbar", role: "search" }, search.element, this.projects, status, this.order, columns);
  }

  /** The columns and the order that the address says. */
  arrange() {
    const columns = [...route.listed("col")].slice(0, MAX_COLUMNS);
    this.columns = columns.length ? columns : DEFAULT_COLUMNS;
    const order = route.param("sort") || ORDER;
    this.drawn.clear();
    this.rows.arrange(this.columns, order);
    const names = [...new Set([order.replace(/^-/, ""), "name", ...this.columns])].filter(isSortable);
    const options = names.flatMap((name) => [`-${name}`, name]).map((one) => h("option", { value: one, selected: one === order }, `${label(one.replace(/^-/, ""))} ${one.startsWith("-") ? "↓" : "↑"}`));
    replace(this.order, ...options);
  }

  async start() {
    listen(this.keys(), this.signal);
    await Promise.all([this.read(), this.readProjects()]);
    const timer = setInterval(() => document.hidden || this.refresh(), POLL_MS);
    this.signal.addEventListener("abort", () => (clearInterval(timer), this.stop.abort()));
    changes.addEventListener("changed", () => this.refresh(), { signal: this.signal });
  }

  keys() {
    return [
      { key: "/", label: "Search", press: () => /** @type {HTMLElement | null} */ (this.element.querySelector("[role=combobox]"))?.focus() },
      { key: "j", label: "Next task", press: () => this.rows.step(1) },
      { key: "k", label: "Previous task", press: () => this.rows.step(-1) },
      { key: "x", label: "Choose the task, or not", press: () => this.rows.toggle() },
      { key: "c", label: "Compare the chosen tasks", press: () => this.compare.hidden || this.compare.click() },
    ];
  }

  /** @param {Record<string, string>} wish */
  changeFilter(wish) {
    route.remember(wish);
    this.showChosen();
    this.rows.rewind();
    this.read();
  }

  /** @param {string} order */
  sort(order) {
    route.remember({ sort: order === ORDER ? "" : order });
    this.arrange();
    this.rows.rewind();
    this.read();
  }

  openChooser() {
    const changed = (/** @type {string[]} */ names) => {
      route.rememberList("col", names.join() === DEFAULT_COLUMNS.join() ? [] : names);
      this.arrange();
      this.read();
    };
    chooseColumns({ chosen: this.columns ?? DEFAULT_COLUMNS, project: route.param("project"), changed, signal: this.signal });
  }

  async readProjects() {
    const { projects } = await call("projects.get_all_ex", { only_fields: ["name"], order_by: ["name"] }, { signal: this.signal });
    const own = route.param("project");
    this.projects.append(...projects.map((/** @type {any} */ p) => h("option", { value: p.id, selected: p.id === own }, p.name)));
  }

  /** Read what is seen anew; of what is not seen nothing is kept. */
  async read() {
    const asked = ++this.asked;
    const { first, last } = this.rows.window;
    try {
      const known = new Map();
      for (const chunk of chunks(first, Math.max(last, 1))) await this.readChunk(chunk, known, asked);
      if (asked !== this.asked) return;
      this.known = known;
      replace(this.state, this.total ? null : empty());
      this.count.textContent = this.total ? `${format.number(this.total)} ${this.total === 1 ? "task" : "tasks"}` : "";
      this.rows.element.hidden = this.rows.table.hidden = !this.total;
      this.rows.resize(this.total);
      await this.showSeen();
    } catch (error) {
      if (!isAbort(error) && asked === this.asked) replace(this.state, notice(describe(error), true));
    }
  }

  /** Read the rows that scrolling has brought into view. */
  async readMissing() {
    const asked = this.asked;
    const { first, last } = this.rows.window;
    try {
      for (const chunk of chunks(first, last)) {
        const places = Array.from({ length: Math.min(CHUNK, this.total - chunk) }, (_, i) => chunk + i);
        if (places.some((place) => place >= first && place < last && !this.known.has(place))) {
          await this.readChunk(chunk, this.known, asked);
          if (asked !== this.asked) return;
          this.rows.draw();
        }
      }
      await this.showSeen();
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
    }
  }

  /** @param {number} offset @param {Map<number, Row>} known @param {number} asked */
  async readChunk(offset, known, asked) {
    const columns = [...BASE, ...(this.columns ?? []).filter((name) => name !== LATEST)];
    const { total, tasks } = await call("tasks.get_table", { ...filter(), columns, order_by: [route.param("sort") || ORDER], offset, limit: CHUNK }, { signal: this.signal });
    if (asked !== this.asked) return;
    this.total = total;
    tasks.forEach((/** @type {any} */ task, /** @type {number} */ i) => known.set(offset + i, this.rowOf(task)));
  }

  /** @param {{id: string, values: any[]}} task @returns {Row} */
  rowOf({ id, values }) {
    const [name, status, project, tags, updated, ...own] = values;
    const wanted = (this.columns ?? []).map((column) => (column === LATEST ? null : own.shift()));
    return { id, name, status, project, tags: tags ?? [], updated, values: wanted };
  }

  /** Follow the tasks that are seen, and draw the curves of those that changed. */
  async showSeen() {
    const { first, last } = this.rows.window;
    const seen = Array.from({ length: last - first }, (_, i) => this.known.get(first + i)).filter((row) => row !== undefined);
    this.liveness.tell(seen);
    this.follow(seen.map(({ id }) => id));
    if (!this.columns?.includes(LATEST)) return;
    const due = seen.filter(({ id, updated }) => this.drawn.get(id) !== updated || !this.rows.curvesOf(id)?.hasChildNodes()).slice(0, CHUNK);
    /** @type {Map<string, HTMLElement>} */
    const cells = new Map();
    for (const { id, updated } of due) {
      const cell = this.rows.curvesOf(id);
      if (cell) cells.set(id, cell);
      this.drawn.set(id, updated);
    }
    if (cells.size) await fillLatest(cells, this.signal);
  }

  /** @param {string[]} ids */
  follow(ids) {
    const key = [...ids].sort().slice(0, CHUNK).join();
    if (key === this.following) return;
    this.following = key;
    this.stop.abort();
    this.stop = new AbortController();
    const heard = (/** @type {boolean} */ isConnected) => this.liveness.connect(isConnected);
    follow(key.split(",").filter(Boolean), false, { change: (task) => (this.drawn.delete(task), this.refresh()), state: heard }, this.stop.signal);
  }

  /** @param {string} id @param {boolean} isChosen */
  choose(id, isChosen) {
    if (isChosen) this.chosen.add(id);
    else this.chosen.delete(id);
    route.remember({ choose: [...this.chosen].join(",") });
    this.showChosen();
  }

  /** Choose none of the tasks. */
  clear() {
    this.chosen.clear();
    route.remember({ choose: "" });
    this.rows.showChosen();
    this.showChosen();
  }

  showChosen() {
    const { size } = this.chosen;
    this.tidy.showMany(size, route.param("status") === ARCHIVED);
    this.chosenBar.hidden = size === 0;
    replace(/** @type {HTMLElement} */ (this.chosenBar.firstElementChild), `${format.number(size)} chosen`);
    this.compare.hidden = size < 2;
    this.compare.disabled = size > MAX_COMPARED;
    this.compare.textContent = size > MAX_COMPARED ? `Compare at most ${MAX_COMPARED}` : `Compare ${size}`;
  }

  openComparison() {
    location.hash = route.link(["compare", ...this.chosen]);
  }
}

/** The first places of the chunks that hold these rows. @param {number} first @param {number} last */
function chunks(first, last) {
  const from = Math.floor(first / CHUNK);
  return Array.from({ length: Math.ceil(last / CHUNK) - from }, (_, i) => (from + i) * CHUNK);
}

/** What the filters say, as the API takes it. */
function filter() {
  const [project, state] = [route.param("project"), route.param("status")];
  return {
    filter: route.param("q").trim(),
    ...(project ? { project: [project], include_subprojects: true } : {}),
    ...(state && state !== ARCHIVED ? { status: [state] } : {}),
    system_tags: [state === ARCHIVED ? ARCHIVED : `-${ARCHIVED}`],
  };
}

function empty() {
  const isFiltered = ["q", "project", "status"].some((name) => route.param(name));
  if (isFiltered) return notice("No task matches.");
  return h(
    "div",
    { class: "empty card" },
    h("h2", {}, "No tasks yet"),
    h("p", {}, "Paste the three lines that ", h("code", {}, "eventide up"), " printed, or start a script that uses the ClearML SDK. Its task appears here by itself."),
  );
}
