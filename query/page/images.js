// A task's debug samples: those of one iteration. Iterations are read in pages, around the one that is looked at.

import { call, describe, isAbort } from "./api.js";
import { h, iconButton, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { throttled } from "./live.js";
import { figure } from "./media.js";
import * as route from "./route.js";

/** @typedef {import("./media.js").Sample} Sample */
/** @typedef {[number, Sample[]]} Iteration */

const PAGE = 100;
const REFRESH_MS = 3000;
const FIRST = -(2 ** 53); // beyond any iteration

/** @type {import("./task.js").ShowTab} */
export function images(root, id, signal) {
  const gallery = new Gallery(id, signal);
  replace(root, gallery.element);
  return { change: (types) => types.includes("training_debug_image") && gallery.refresh(), again: () => gallery.refresh() };
}

class Gallery {
  /** @param {string} id @param {AbortSignal} signal */
  constructor(id, signal) {
    this.id = id;
    this.signal = signal;
    /** Ascending. @type {Iteration[]} */
    this.found = [];
    this.hasEarlier = this.hasLater = false;
    this.metric = route.param("metric");
    this.wanted = wholeNumber(route.param("iteration")); // null: the newest, whatever comes
    this.seen = "";
    this.isTurning = false;
    this.state = h("div", {}, notice("Reading images …"));
    this.missing = h("div");
    this.metrics = h("select", { "aria-label": "Metric", onchange: () => this.choose(this.metrics.value) });
    this.slider = h("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "Iteration", oninput: () => this.show(Number(this.slider.value)) });
    this.told = h("output");
    this.number = h("input", { type: "number", step: 1, "aria-label": "Go to iteration", onchange: () => this.goTo(wholeNumber(this.number.value)) });
    this.grid = h("div", { class: "images" });
    const steps = [
      iconButton("first", "First iteration", () => this.goTo(FIRST)),
      iconButton("left", "Earlier iteration", () => this.step(-1)),
      h("label", { class: "range wide" }, this.slider, this.told),
      iconButton("right", "Later iteration", () => this.step(1)),
      iconButton("last", "Newest iteration", () => this.goTo(null)),
    ];
    this.bar = h("div", { class: "toolbar", hidden: true }, this.metrics, ...steps, this.number);
    this.element = h("section", { "aria-label": "Images" }, this.bar, this.state, this.missing, this.grid);
    this.refresh = throttled(REFRESH_MS, () => this.read(), signal);
    this.read();
  }

  /** @param {string} metric */
  choose(metric) {
    this.metric = metric;
    this.found = [];
    route.remember({ metric });
    this.read();
  }

  /** Look at an iteration, or the one before it that has images. @param {number | null} iteration null: the newest */
  async goTo(iteration) {
    this.wanted = iteration;
    await this.read();
    if (this.wanted === FIRST) this.wanted = this.found[0]?.[0] ?? null;
    route.remember({ iteration: String(this.wanted ?? "") });
    this.draw();
  }

  /** Read what is looked at, as it is now. */
  async read() {
    try {
      await this.readMetrics();
      if (this.metric) await this.readPage();
      this.bar.hidden = !this.found.length;
      replace(this.state, this.found.length ? null : notice("No images yet. They appear here as they are reported."));
      this.draw();
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
    }
  }

  async readMetrics() {
    const { metrics } = await call("events.get_task_metrics", { tasks: [this.id], event_type: "training_debug_image" }, { signal: this.signal });
    const names = /** @type {string[]} */ (metrics[0]?.metrics ?? []);
    if (!names.includes(this.metric)) this.metric = names[0] ?? "";
    replace(this.metrics, names.map((name) => h("option", { value: name, selected: name === this.metric }, name)));
    this.metrics.hidden = names.length < 2;
  }

  /**
   * The newest iterations, or those around the wanted one; once more if others are wanted meanwhile.
   * @returns {Promise<void>}
   */
  async readPage() {
    const { wanted, metric } = this;
    const [before, after] = await Promise.all([this.ask(wanted, true, PAGE), wanted === null ? [] : this.ask(wanted + 1, false, PAGE)]);
    if (wanted !== this.wanted || metric !== this.metric) return this.readPage();
    this.found = [...before, ...after];
    this.hasEarlier = before.length === PAGE;
    this.hasLater = after.length === PAGE;
  }

  /** Read a page before the first iteration; others may be read meanwhile. @returns the index of its last one */
  async readEarlier() {
    const first = this.found[0][0];
    const more = await this.ask(first - 1, true, PAGE);
    this.found = [...more, ...this.found.filter(([iteration]) => iteration >= first)];
    this.hasEarlier = more.length === PAGE;
    return more.length - 1;
  }

  /** Read a page after the last iteration. @returns the index of its first one */
  async readLater() {
    const last = this.found[this.found.length - 1][0];
    const more = await this.ask(last + 1, false, PAGE);
    const before = this.found.filter(([iteration]) => iteration <= last);
    this.found = [...before, ...more];
    this.hasLater = more.length === PAGE;
    return before.length;
  }

  /**
   * The iterations from one on, itself among them; null: from the newest.
   * @param {number | null} iteration
   * @param {boolean} isEarlier
   * @param {number} iters
   * @returns {Promise<Iteration[]>} ascending
   */
  async ask(iteration, isEarlier, iters) {
    const body = { metrics: [{ task: this.id, metric: this.metric }], iters, navigate_earlier: isEarlier, iteration };
    const answer = await call("events.debug_images", body, { signal: this.signal });
    return answer.metrics.flatMap((/** @type {any} */ { iterations }) => iterations).map((/** @type {any} */ { iter, events }) => [iter, events]).reverse();
  }

  /** Which of the iterations is looked at: the newest, or the last that is not beyond the wanted one. */
  index() {
    const { wanted } = this;
    if (wanted === null) return this.found.length - 1;
    return Math.max(0, this.found.findLastIndex(([iteration]) => iteration <= wanted));
  }

  /** @param {number} by */
  async step(by) {
    const index = Number(this.slider.value) + by;
    if (this.isTurning) return;
    this.isTurning = true;
    try {
      if (index < 0 && this.hasEarlier) this.show(await this.readEarlier());
      else if (index >= this.found.length && this.hasLater) this.show(await this.readLater());
      else this.show(index);
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
    } finally {
      this.isTurning = false;
    }
  }

  /** @param {number} index */
  show(index) {
    const at = Math.min(Math.max(index, 0), this.found.length - 1);
    this.wanted = at === this.found.length - 1 && !this.hasLater ? null : (this.found[at]?.[0] ?? null);
    route.remember({ iteration: String(this.wanted ?? "") });
    this.draw();
  }

  draw() {
    const index = this.index();
    const [iteration, samples] = this.found[index] ?? [0, []];
    this.slider.max = String(Math.max(this.found.length - 1, 0));
    this.slider.value = String(index);
    const text = `iteration ${format.number(iteration)}`;
    this.slider.setAttribute("aria-valuetext", text);
    this.told.textContent = text;
    this.number.value = String(iteration);
    const isOther = samples.length > 0 && this.wanted !== null && this.wanted !== FIRST && this.wanted !== iteration;
    replace(this.missing, isOther ? notice(`There are no images at iteration ${format.number(this.wanted)}: shown is ${format.number(iteration)}.`) : null);
    const key = JSON.stringify(samples);
    if (key === this.seen) return;
    this.seen = key;
    replace(this.grid, samples.map((sample) => figure(sample, this.signal)));
  }
}

/** @param {string} text */
function wholeNumber(text) {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}
