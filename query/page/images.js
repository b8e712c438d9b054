// A task's debug images: those of one iteration, chosen with a slider.

import { call, describe, isAbort } from "./api.js";
import { h, iconButton, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { throttled } from "./live.js";
import * as route from "./route.js";

/** @typedef {{metric: string, variant: string, iter: number, url: string}} Image */

const ITERATIONS = 100;
const REFRESH_MS = 3000;
const SHOWN_SCHEMES = ["http:", "https:", "data:"];

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
    /** @type {Map<number, Image[]>} */
    this.found = new Map();
    this.metric = route.param("metric");
    this.wanted = route.param("iteration");
    this.state = h("div", {}, notice("Reading images …"));
    this.metrics = h("select", { "aria-label": "Metric", onchange: () => this.choose(this.metrics.value) });
    this.slider = h("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "Iteration", oninput: () => this.move(Number(this.slider.value)) });
    this.told = h("output");
    this.grid = h("div", { class: "images" });
    const step = (/** @type {number} */ by) => () => this.move(Number(this.slider.value) + by);
    this.bar = h("div", { class: "toolbar", hidden: true }, this.metrics, iconButton("left", "Earlier iteration", step(-1)), h("label", { class: "range wide" }, this.slider, this.told), iconButton("right", "Later iteration", step(1)));
    this.element = h("section", { "aria-label": "Images" }, this.bar, this.state, this.grid);
    this.refresh = throttled(REFRESH_MS, () => this.read(), signal);
    this.read();
  }

  /** @param {string} metric */
  choose(metric) {
    this.metric = metric;
    route.remember({ metric });
    this.read();
  }

  async read() {
    try {
      await this.readMetrics();
      const metrics = [{ task: this.id, metric: this.metric || null }];
      const answer = await call("events.debug_images", { metrics, iters: ITERATIONS }, { signal: this.signal });
      const iterations = answer.metrics.flatMap((/** @type {any} */ { iterations }) => iterations);
      this.found = new Map(iterations.map((/** @type {any} */ { iter, events }) => /** @type {[number, Image[]]} */ ([iter, events])).reverse());
      this.bar.hidden = !this.found.size;
      replace(this.state, this.found.size ? null : notice("No images yet. They appear here as they are reported."));
      this.show();
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

  /** The iteration that is wanted, else the newest. */
  show() {
    const iterations = [...this.found.keys()];
    this.slider.max = String(Math.max(iterations.length - 1, 0));
    const index = iterations.indexOf(Number(this.wanted));
    this.draw(this.wanted && index >= 0 ? index : iterations.length - 1);
  }

  /** @param {number} index */
  move(index) {
    const iterations = [...this.found.keys()];
    const at = Math.min(Math.max(index, 0), iterations.length - 1);
    this.wanted = at === iterations.length - 1 ? "" : String(iterations[at]);
    route.remember({ iteration: this.wanted });
    this.draw(at);
  }

  /** @param {number} index */
  draw(index) {
    const [iteration, shown] = [...this.found][index] ?? [0, []];
    this.slider.value = String(index);
    const text = `iteration ${format.number(iteration)}`;
    this.slider.setAttribute("aria-valuetext", text);
    this.told.textContent = text;
    replace(this.grid, shown.map(figure));
  }
}

/** @param {Image} image */
function figure(image) {
  const scheme = URL.parse(image.url)?.protocol ?? "";
  const name = `${image.metric} / ${image.variant}`;
  const caption = h("figcaption", { title: name }, image.variant || image.metric);
  if (!SHOWN_SCHEMES.includes(scheme)) return h("figure", { class: "card" }, notice(`${image.url} cannot be shown by a browser.`), caption);
  const picture = h("img", { src: image.url, alt: `${name}, iteration ${image.iter}`, loading: "lazy", referrerpolicy: "no-referrer" });
  picture.addEventListener("error", () => picture.replaceWith(notice("The image cannot be loaded.")));
  if (scheme === "data:") return h("figure", { class: "card" }, picture, caption);
  return h("figure", { class: "card" }, h("a", { href: image.url, target: "_blank", rel: "noopener noreferrer" }, picture), caption);
}
