// The table of tasks: a head that sorts, and rows of which only the visible ones are in the document.

import { LATEST, isDescendingFirst, isNumber, isSortable, label, shown } from "./columns.js";
import { h, replace } from "./dom.js";
import * as route from "./route.js";
import { status } from "./status.js";
import { Windowed } from "./windowed.js";

/** @typedef {{id: string, name: string, status: string, project: string | null, tags: string[], updated: string, values: any[]}} Row */
/**
 * @typedef {{
 *   sort: (order: string) => void, isChosen: (id: string) => boolean, choose: (id: string, isChosen: boolean) => void,
 *   seen: (first: number, last: number) => void, rowAt: (place: number) => Row | undefined,
 * }} Actions
 */

export class TaskRows {
  /** @param {Actions} actions @param {AbortSignal} signal */
  constructor(actions, signal) {
    this.actions = actions;
    /** @type {string[]} */
    this.columns = [];
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    this.head = h("thead");
    this.body = h("tbody");
    this.widths = h("colgroup");
    this.table = h("table", { class: "tasks" }, this.widths, this.head, this.body, h("tfoot", { "aria-hidden": "true" }, h("tr", { class: "space" }, h("td"))));
    this.element = h("div", { class: "task-rows", tabindex: 0, role: "region", "aria-label": "Tasks" }, this.table);
    this.window = new Windowed(this.element, this.table, () => this.draw(), signal);
  }

  /** @param {string[]} columns @param {string} order */
  arrange(columns, order) {
    this.columns = columns;
    this.rows.clear();
    replace(this.body);
    replace(this.widths, h("col", { class: "choose" }), h("col", { class: "name" }), columns.map((name) => h("col", { class: name === LATEST ? "curves" : "value" })));
    this.table.style.setProperty("--columns", String(columns.filter((name) => name !== LATEST).length));
    this.table.classList.toggle("has-curves", columns.includes(LATEST));
    const heads = [h("th", { scope: "col", class: "choose" }, h("span", { class: "unseen" }, "Choose")), ...["name", ...columns].map((name) => this.heading(name, order))];
    replace(this.head, h("tr", { "aria-rowindex": 1 }, ...heads), h("tr", { class: "space", "aria-hidden": "true" }, h("td", { colspan: columns.length + 2 })));
  }

  /** @param {string} name @param {string} order */
  heading(name, order) {
    const isOwn = order.replace(/^-/, "") === name;
    const isDown = isOwn && order.startsWith("-");
    if (!isSortable(name)) return h("th", { scope: "col" }, label(name));
    const next = isOwn ? (isDown ? name : `-${name}`) : `${isDescendingFirst(name) ? "-" : ""}${name}`;
    const mark = isOwn ? h("span", { class: "order", "aria-hidden": "true" }, isDown ? "↓" : "↑") : null;
    const button = h("button", { type: "button", class: "sorts", title: `${name}: sort`, onclick: () => this.actions.sort(next) }, h("span", {}, label(name)), mark);
    return h("th", { scope: "col", class: name === "name" ? "name" : "", "aria-sort": isOwn ? (isDown ? "descending" : "ascending") : "none" }, button);
  }

  /** @param {number} total */
  resize(total) {
    this.table.setAttribute("aria-rowcount", String(total + 1));
    this.window.resize(total);
  }

  /** Begin at the top again. */
  rewind() {
    this.element.scrollTop = 0;
  }

  /** Rows that are there already stay, so that nobody loses the focus. */
  draw() {
    const { first, last } = this.window;
    /** @type {Map<string, HTMLElement>} */
    const rows = new Map();
    for (let place = first; place < last; place++) {
      const row = this.actions.rowAt(place);
      const key = row?.id ?? `place ${place}`;
      const element = this.rows.get(key) ?? this.made(row);
      element.setAttribute("aria-rowindex", String(place + 2));
      if (row) this.fill(element, row);
      rows.set(key, element);
    }
    const focused = document.activeElement;
    const ordered = [...rows.values()];
    this.rows = rows;
    if (ordered.length !== this.body.childElementCount || ordered.some((row, i) => this.body.children[i] !== row)) this.body.replaceChildren(...ordered);
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.body.contains(focused)) focused.focus();
    this.actions.seen(first, last);
  }

  /** @param {Row | undefined} row */
  made(row) {
    const choose = row && h("input", { type: "checkbox", checked: this.actions.isChosen(row.id), "aria-label": `Compare ${row.name}`, onchange: () => this.actions.choose(row.id, /** @type {HTMLInputElement} */ (choose).checked) });
    const cells = this.columns.map((name) => h("td", { class: name === LATEST ? "curves" : /^[a-z]+$/.test(name) ? `value ${name}` : "value", "data-label": label(name) }));
    return h("tr", { class: row ? "" : "awaited" }, h("td", { class: "choose" }, choose), h("td", { class: "name" }), ...cells);
  }

  /** @param {HTMLElement} element @param {Row} row */
  fill(element, row) {
    const [, name, ...cells] = /** @type {HTMLElement[]} */ ([...element.children]);
    const key = JSON.stringify([row.name, row.status, row.project, row.tags]);
    if (name.dataset.key !== key) {
      name.dataset.key = key;
      const tags = row.tags.map((tag) => h("span", { class: "tag" }, tag));
      const link = h("a", { href: route.link(["task", row.id, "scalars"]), title: row.name }, row.name || "unnamed");
      replace(name, h("div", { class: "task-name" }, status(row.status), link), h("div", { class: "about" }, row.project ?? "no project", ...tags));
    }
    this.columns.forEach((column, i) => {
      if (column === LATEST) return;
      const { text, full } = shown(column, row.values[i]);
      if (cells[i].textContent !== text) cells[i].textContent = text;
      cells[i].title = full;
      cells[i].classList.toggle("number", isNumber(column, row.values[i]));
    });
  }

  /** Move the focus to the next task, or the previous one; to the first if none has it. @param {1 | -1} by */
  step(by) {
    const rows = [...this.body.children];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const link = /** @type {HTMLElement | null | undefined} */ (rows[at < 0 ? 0 : at + by]?.querySelector(".name a"));
    link?.focus();
    link?.closest("tr")?.scrollIntoView({ block: "nearest" });
  }

  /** Choose the task that has the focus, or no longer. */
  toggle() {
    const box = document.activeElement?.closest("tbody tr")?.querySelector("input");
    if (box && this.body.contains(box)) box.click();
  }

  /** Mark the rows that are chosen. */
  showChosen() {
    for (const [id, row] of this.rows) {
      const box = /** @type {HTMLInputElement | null} */ (row.querySelector(".choose input"));
      if (box) box.checked = this.actions.isChosen(id);
    }
  }

  /** The cell of a task's curves, while it is in the document. @param {string} id */
  curvesOf(id) {
    return /** @type {HTMLElement | null} */ (this.rows.get(id)?.querySelector(".curves") ?? null);
  }
}
