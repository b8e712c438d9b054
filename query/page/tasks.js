// The list of tasks: search, states, the latest values of each with their curves as sparklines, live.

import { call, describe, isAbort } from "./api.js";
import { h, later, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { Liveness, follow, throttled } from "./live.js";
import { curveTitle } from "./names.js";
import * as route from "./route.js";
import { sparkline } from "./sparkline.js";

/** @typedef {{metric: string, variant: string, value: number}} Latest */

const PAGE = 30;
const REFRESH_MS = 1500;
const POLL_MS = 10_000;
const SPARKLINES = 3;
const SAMPLES = 48;
const MAX_COMPARED = 20;
const METRICS = ["metric", "variant", "value"].map((name) => `last_metrics.*.*.${name}`);
const FIELDS = ["name", "status", "type", "tags", "project.name", "last_update", "last_iteration", "user.name", ...METRICS];
const STATES = ["in_progress", "completed", "failed", "stopped", "created", "queued", "published"];

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
    /** @type {Map<string, any>} */
    this.known = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    this.chosen = new Set(route.param("choose").split(",").filter(Boolean));
    this.pages = 1;
    this.following = "";
    this.stop = new AbortController();
    this.changed = new Set();
    this.body = h("tbody");
    this.state = h("div", { "aria-live": "polite" });
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => (this.pages++, this.read()) }, "Show more");
    this.compare = h("button", { type: "button", class: "button primary", onclick: () => this.openComparison() });
    this.live = h("span", { class: "live", hidden: true }, "live");
    this.liveness = new Liveness(this.live);
    this.projects = h("select", { "aria-label": "Project", onchange: () => this.changeFilter({ project: this.projects.value }) }, h("option", { value: "" }, "All projects"));
    this.list = this.table();
    this.element = h("div", {}, h("div", { class: "title" }, h("h1", {}, "Tasks"), this.live, this.compare), this.filters(), this.state, this.list, this.more);
    this.refresh = throttled(REFRESH_MS, () => this.read(), signal);
    this.showChosen();
  }

  filters() {
    const states = STATES.map((state) => h("option", { value: state, selected: state === route.param("status") }, format.STATUS[state]));
    return h(
      "div",
      { class: "toolbar", role: "search" },
      h("input", {
        type: "search",
        placeholder: "Search tasks",
        "aria-label": "Search tasks",
        value: route.param("q"),
        oninput: later(200, (/** @type {Event} */ e) => this.changeFilter({ q: /** @type {HTMLInputElement} */ (e.target).value })),
      }),
      this.projects,
      h(
        "select",
        { "aria-label": "Status", onchange: (/** @type {Event} */ e) => this.changeFilter({ status: /** @type {HTMLSelectElement} */ (e.target).value }) },
        h("option", { value: "" }, "Any status"),
        ...states,
      ),
    );
  }

  table() {
    const heads = ["", "Task", "Latest values", "Iteration", "Updated"].map((text) => h("th", { scope: "col" }, text || h("span", { class: "unseen" }, "Compare")));
    return h("table", { class: "tasks" }, h("thead", {}, h("tr", {}, ...heads)), this.body);
  }

  async start() {
    await Promise.all([this.read(), this.readProjects()]);
    const timer = setInterval(() => document.hidden || this.refresh(), POLL_MS);
    this.signal.addEventListener("abort", () => (clearInterval(timer), this.stop.abort()));
  }

  /** @param {Record<string, string>} changes */
  changeFilter(changes) {
    route.remember(changes);
    this.pages = 1;
    this.read();
  }

  async readProjects() {
    const { projects } = await call("projects.get_all_ex", { only_fields: ["name"], order_by: ["name"] }, { signal: this.signal });
    const own = route.param("project");
    this.projects.append(...projects.map((/** @type {any} */ p) => h("option", { value: p.id, selected: p.id === own }, p.name)));
  }

  /** The rows that the filters let through, newest first; those that are there already stay. */
  async read() {
    const asked = (this.asked = {});
    try {
      const size = this.pages * PAGE;
      const { tasks } = await call("tasks.get_all_ex", { ...filter(), only_fields: FIELDS, order_by: ["-last_update"], page: 0, page_size: size }, { signal: this.signal });
      if (asked !== this.asked) return;
      this.show(tasks);
      this.more.hidden = tasks.length < size;
      await this.readCurves(tasks);
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
    }
  }

  /** @param {any[]} tasks */
  show(tasks) {
    replace(this.state, tasks.length ? null : empty());
    this.liveness.tell(tasks.map(({ status: state }) => state));
    this.list.hidden = !tasks.length;
    /** @type {Map<string, HTMLElement>} */
    const rows = new Map();
    for (const task of tasks) {
      const row = this.rows.get(task.id) ?? this.makeRow(task);
      this.fillRow(row, task);
      if (this.known.get(task.id)?.last_update !== task.last_update) this.changed.add(task.id);
      this.known.set(task.id, task);
      rows.set(task.id, row);
    }
    const focused = document.activeElement;
    this.rows = rows;
    const ordered = [...rows.values()];
    if (ordered.some((row, i) => this.body.children[i] !== row) || ordered.length !== this.body.childElementCount) this.body.replaceChildren(...ordered);
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.body.contains(focused)) focused.focus();
    this.follow([...rows.keys()]);
  }

  /** @param {any} task */
  makeRow(task) {
    const choose = h("input", { type: "checkbox", checked: this.chosen.has(task.id), "aria-label": `Compare ${task.name}`, onchange: () => this.choose(task.id, choose.checked) });
    const [name, curves, iteration, updated] = ["name", "curves", "iteration", "updated"].map((part) => h("td", { class: part }));
    return h("tr", {}, h("td", { class: "choose" }, choose), name, curves, iteration, updated);
  }

  /** @param {HTMLElement} row @param {any} task */
  fillRow(row, task) {
    const [, name, , iteration, updated] = /** @type {HTMLElement[]} */ ([...row.children]);
    const key = JSON.stringify([task.name, task.status, task.project?.name, task.tags]);
    if (name.dataset.key !== key) {
      name.dataset.key = key;
      const tags = (task.tags ?? []).map((/** @type {string} */ tag) => h("span", { class: "tag" }, tag));
      const link = h("a", { href: route.link(["task", task.id, "scalars"]) }, task.name || "unnamed");
      replace(name, h("div", { class: "task-name" }, status(task.status), link), h("div", { class: "about" }, task.project?.name ?? "no project", ...tags));
    }
    iteration.textContent = task.last_iteration ? format.number(task.last_iteration) : "–";
    updated.textContent = format.ago(task.last_update);
    updated.title = format.moment(task.last_update);
  }

  /** Sparklines of the tasks that changed: one call for all. @param {any[]} tasks */
  async readCurves(tasks) {
    const due = tasks.filter((task) => this.changed.has(task.id));
    const chosen = new Map(due.map((task) => [task.id, interesting(task)]));
    const pairs = [...chosen.values()].flat();
    this.changed.clear();
    if (!pairs.length) return;
    const metrics = [...Map.groupBy(pairs, ({ metric }) => metric)].map(([metric, of]) => ({ metric, variants: [...new Set(of.map(({ variant }) => variant))] }));
    const answer = await call("events.multi_task_scalar_metrics_iter_histogram", { tasks: due.map(({ id }) => id).slice(0, 100), metrics, samples: SAMPLES }, { signal: this.signal });
    for (const [id, latest] of chosen) {
      const cell = this.rows.get(id)?.children[2];
      if (cell) replace(cell, latest.map((one, i) => value(one, answer.metrics[one.metric]?.[one.variant]?.[id]?.y ?? [], i)));
    }
  }

  /** @param {string[]} ids */
  follow(ids) {
    const key = [...ids].sort().slice(0, 100).join();
    if (key === this.following) return;
    this.following = key;
    this.stop.abort();
    this.stop = new AbortController();
    const heard = (/** @type {boolean} */ isConnected) => this.liveness.connect(isConnected);
    follow(key.split(",").filter(Boolean), false, { change: (task) => (this.changed.add(task), this.refresh()), state: heard }, this.stop.signal);
  }

  /** @param {string} id @param {boolean} isChosen */
  choose(id, isChosen) {
    if (isChosen) this.chosen.add(id);
    else this.chosen.delete(id);
    route.remember({ choose: [...this.chosen].join(",") });
    this.showChosen();
  }

  showChosen() {
    const { size } = this.chosen;
    this.compare.hidden = size < 2;
    this.compare.disabled = size > MAX_COMPARED;
    this.compare.textContent = size > MAX_COMPARED ? `Compare at most ${MAX_COMPARED}` : `Compare ${size}`;
  }

  openComparison() {
    location.hash = route.link(["compare", ...this.chosen]);
  }
}

/** What the filters say, as the API takes it. */
function filter() {
  const text = route.param("q").trim();
  const [project, state] = [route.param("project"), route.param("status")];
  const pattern = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return {
    ...(text ? { _any_: { pattern, fields: ["name", "id", "comment"] } } : {}),
    ...(project ? { project: [project], include_subprojects: true } : {}),
    ...(state ? { status: [state] } : {}),
    system_tags: ["-archived"],
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

/** The curves that tell most: losses and qualities before rates, nothing of the resource monitor. @param {any} task */
function interesting(task) {
  /** @type {Latest[]} */
  const all = Object.values(task.last_metrics ?? {}).flatMap((variants) => Object.values(/** @type {any} */ (variants)));
  const rank = (/** @type {Latest} */ { metric, variant }) => {
    const text = `${metric} ${variant}`.toLowerCase();
    const found = [/loss|error|perplexity/, /acc|f1|map|auc|bleu|reward|score|iou/, /val|test|eval/].findIndex((one) => one.test(text));
    return found < 0 ? 9 : found;
  };
  const told = all.filter(({ metric }) => metric !== "Summary" && !metric.startsWith(":monitor:"));
  told.sort((a, b) => rank(a) - rank(b) || a.metric.localeCompare(b.metric) || a.variant.localeCompare(b.variant));
  const first = told.filter((one, i) => told.findIndex((other) => other.metric === one.metric) === i);
  return [...first, ...told.filter((one) => !first.includes(one))].slice(0, SPARKLINES);
}

/** @param {Latest} latest @param {number[]} values @param {number} color */
function value({ metric, variant, value: last }, values, color) {
  const name = curveTitle(metric, variant);
  return h("div", { class: "latest", title: name }, h("span", { class: "name" }, name), sparkline(values, color), h("span", { class: "value" }, format.number(last)));
}

/** @param {string} state */
export function status(state) {
  return h("span", { class: `status ${state}`, title: format.STATUS[state] ?? state }, h("span", { class: "unseen" }, format.STATUS[state] ?? state));
}
