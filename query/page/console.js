// A task's console: the newest lines by their timestamps, older ones on scrolling up; then new ones in the order in which
// they are written, as clocks of several processes differ.

import { rendered } from "./ansi.js";
import { call, describe, isAbort, url } from "./api.js";
import { h, icon, later, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { throttled } from "./live.js";
import * as route from "./route.js";

/** @typedef {{timestamp: number, level?: string, msg?: string, worker?: string}} Line */

const PAGE = 500;
const MAX_LINES = 5000;
const REFRESH_MS = 400;
const POLL_MS = 10_000; // what no stream tells of
const NEAR_PX = 40;
const LEVELS = ["debug", "info", "warning", "error"];
const SYNONYMS = /** @type {Record<string, string[]>} */ ({
  debug: ["debug"],
  info: ["info"],
  warning: ["warning", "warn"],
  error: ["error", "critical", "fatal"],
});

/** @type {import("./task.js").ShowTab} */
export function console_(root, id, signal) {
  const log = new Console(id, signal);
  replace(root, log.element);
  log.start();
  return { change: (types) => types.includes("log") && log.refresh(), again: () => log.refresh(), reset: () => log.start() };
}

class Console {
  /** @param {string} id @param {AbortSignal} signal */
  constructor(id, signal) {
    this.id = id;
    this.signal = signal;
    this.asked = 0; // how often what is asked for has changed
    this.position = ""; // in the order of writing: up to where lines were read
    this.since = 0n; // the position at which the older lines, by timestamp, were seen
    this.older = 0; // how many of the lines are such, at the beginning; -1: none any more
    this.oldest = 0; // timestamp of the first of them; 0: none was read
    /** @type {Line[]} */
    this.lines = [];
    this.isAtStart = false;
    this.isReading = false;
    this.isFollowing = true;
    this.search = route.param("q");
    this.levels = route.listed("level");
    this.rows = h("div");
    this.list = h("div", { class: "lines", role: "log", tabindex: 0, "aria-label": "Console", onscroll: () => this.scrolled() }, this.rows);
    this.state = h("div");
    this.end = h("button", { type: "button", class: "button to-end", hidden: true, onclick: () => this.toEnd() }, icon("end"), "Follow");
    this.count = h("span", { class: "count", role: "status" });
    this.refresh = throttled(REFRESH_MS, () => this.readNewer(), signal);
    const timer = setInterval(() => document.hidden || this.refresh(), POLL_MS);
    this.screen = h("div", { class: "screen", hidden: true }, this.list, this.end);
    this.element = h("section", { class: "console", "aria-label": "Console" }, this.toolbar(), this.state, this.screen);
    // Rows are as high as one line until they come into view: the end is further down than it was when it was scrolled to.
    this.observer = new ResizeObserver(() => this.isFollowing && this.toEnd());
    this.observer.observe(this.rows);
    signal.addEventListener("abort", () => (clearInterval(timer), this.observer.disconnect()));
  }

  toolbar() {
    const search = later(120, (/** @type {Event} */ e) => this.narrow({ q: /** @type {HTMLInputElement} */ (e.target).value }));
    const levels = LEVELS.map((level) =>
      h("button", { type: "button", class: `chip level ${level}`, "aria-pressed": String(this.levels.has(level)), onclick: (/** @type {Event} */ e) => this.toggle(level, /** @type {HTMLElement} */ (e.currentTarget)) }, level),
    );
    return h(
      "div",
      { class: "toolbar" },
      h("input", { type: "search", placeholder: "Search lines", "aria-label": "Search lines", value: this.search, oninput: search }),
      h("div", { class: "chips", role: "group", "aria-label": "Levels" }, ...levels),
      this.count,
      h("a", { class: "button", href: `${url("events.download_task_log")}?line_type=text&task=${encodeURIComponent(this.id)}` }, "Download"),
    );
  }

  async start() {
    const asked = ++this.asked;
    this.lines = [];
    this.position = "";
    this.older = this.oldest = 0;
    this.isAtStart = false;
    this.isReading = false;
    this.isFollowing = true;
    const { position } = await this.ask("events.get_new_task_log", {});
    if (asked !== this.asked || position === undefined) return;
    this.since = BigInt(position);
    await this.readOlder();
    if (asked !== this.asked) return;
    this.position = position;
    this.toEnd();
    this.refresh();
  }

  /** @param {{q: string}} changes */
  narrow(changes) {
    this.search = changes.q;
    route.remember(changes);
    this.start();
  }

  /** @param {string} level @param {HTMLElement} button */
  toggle(level, button) {
    if (!this.levels.delete(level)) this.levels.add(level);
    button.setAttribute("aria-pressed", String(this.levels.has(level)));
    route.rememberList("level", this.levels);
    this.start();
  }

  async readOlder() {
    if (this.isAtStart || this.isReading) return;
    this.isReading = true;
    const asked = this.asked;
    try {
      const wish = { from_timestamp: this.oldest, navigate_earlier: true, batch_size: PAGE, positions: true };
      const { events, positions } = await this.ask("events.get_task_log", wish);
      if (asked !== this.asked || !events) return;
      this.isAtStart = events.length < PAGE;
      this.oldest = events.at(-1)?.timestamp ?? this.oldest;
      // What was written meanwhile comes with the new lines.
      const found = events.filter((/** @type {Line} */ _, /** @type {number} */ i) => BigInt(positions[i]) <= this.since).reverse();
      this.lines = [...found, ...this.lines];
      this.older += found.length;
      const before = this.list.scrollHeight - this.list.scrollTop;
      this.draw();
      this.list.scrollTop = this.list.scrollHeight - before;
    } finally {
      if (asked === this.asked) this.isReading = false;
    }
  }

  async readNewer() {
    const asked = this.asked;
    while (this.position) {
      const { events, position } = await this.ask("events.get_new_task_log", { after: this.position, batch_size: MAX_LINES });
      if (asked !== this.asked || !events) return;
      this.position = position;
      this.add(events);
      if (events.length < MAX_LINES) return;
    }
  }

  /** @param {Line[]} lines */
  add(lines) {
    if (!lines.length) return;
    this.lines.push(...lines);
    if (this.isFollowing && this.lines.length > MAX_LINES) {
      this.forget(this.lines.length - MAX_LINES);
      this.draw();
    } else {
      this.rows.append(...this.shown(lines).map((line) => this.row(line)));
      this.tell();
    }
    if (this.isFollowing) this.toEnd();
  }

  /** Leave out the first lines, and with them all of the same timestamp, so that they can be read again. @param {number} count */
  forget(count) {
    while (count < this.older && this.lines[count].timestamp === this.lines[count - 1].timestamp) count++;
    this.lines.splice(0, count);
    this.older = count < this.older ? this.older - count : -1;
    this.oldest = this.lines[0]?.timestamp ?? 0;
    this.isAtStart = false;
  }

  /** Lines that contain what is searched for; of the levels too, unless those include lines without one. */
  filter() {
    const levels = [...this.levels].flatMap((level) => SYNONYMS[level]);
    return { search: this.search, levels: this.levels.has("info") ? [] : levels.flatMap((name) => [name, name.toUpperCase()]) };
  }

  /** The answer to a call about the lines that are meant; an empty one if there is none. @param {string} action @param {object} wish @returns {Promise<any>} */
  async ask(action, wish) {
    try {
      return await call(action, { task: this.id, ...this.filter(), ...wish }, { signal: this.signal });
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
      return {};
    }
  }

  /** @param {Line[]} lines */
  shown(lines) {
    return lines.filter(({ level }) => !this.levels.size || this.levels.has(levelOf(level)));
  }

  draw() {
    this.rows.replaceChildren(...this.shown(this.lines).map((line) => this.row(line)));
    this.tell();
    if (this.isFollowing) this.toEnd();
  }

  tell() {
    const shown = this.rows.childElementCount;
    this.count.textContent = `${shown}${this.isAtStart ? "" : "+"} ${shown === 1 ? "line" : "lines"}`;
    const none = this.search || this.levels.size ? "No line matches." : "No lines yet. They appear here as they are written.";
    replace(this.state, shown ? null : notice(none));
    this.screen.hidden = !shown;
  }

  /** @param {Line} line */
  row(line) {
    const level = levelOf(line.level);
    const time = h("time", { title: `${format.moment(line.timestamp)} ${line.worker ?? ""}` }, format.clock(line.timestamp));
    const label = level === "info" ? null : h("span", { class: "unseen" }, level);
    return h("div", { class: `line ${level}` }, time, label, h("span", { class: "message" }, ...rendered(line.msg ?? "", (text) => marked(text, this.search))));
  }

  scrolled() {
    const rest = this.list.scrollHeight - this.list.clientHeight - this.list.scrollTop;
    this.isFollowing = rest < NEAR_PX;
    this.end.hidden = this.isFollowing;
    if (this.list.scrollTop >= NEAR_PX || !this.lines.length) return;
    // Where new lines have pushed out all older ones, those are read from the end anew.
    if (this.older >= 0) this.readOlder();
    else this.start();
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.isFollowing = true;
    this.end.hidden = true;
  }
}

/** @param {string | undefined} level */
function levelOf(level) {
  const name = (level ?? "info").toLowerCase();
  return LEVELS.find((one) => SYNONYMS[one].includes(name)) ?? "info";
}

/** @param {string} text @param {string} search @returns {(string | Node)[]} */
function marked(text, search) {
  const at = search ? text.toLowerCase().indexOf(search.toLowerCase()) : -1;
  if (at < 0) return [text];
  const end = at + search.length;
  return [text.slice(0, at), h("mark", {}, text.slice(at, end)), ...marked(text.slice(end), search)];
}
