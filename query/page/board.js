// Many charts over one another's cursor and range: those of a task, or of tasks that are compared.

import { describe, isAbort } from "./api.js";
import { Chart } from "./chart.js";
import { ChartGrid } from "./chartgrid.js";
import { csv } from "./csv.js";
import { endsInBucket, extend } from "./curves.js";
import { download, h, iconButton, later, notice, replace } from "./dom.js";
import { throttled } from "./live.js";
import * as route from "./route.js";
import { matcher, sectionsOf } from "./sections.js";

/** @typedef {import("./curves.js").Curve} Curve */
/** @typedef {import("./curves.js").Axis} Axis */
/** @typedef {Record<string, Record<string, import("./live.js").NewPoints>>} NewMetrics */
/** @typedef {(metric: string, variant: string) => {chart: string, series: string, shift?: number}} Place */
/** @typedef {{samples: number, axis: Axis, range: [number, number] | null, charts: string[] | null, aggregation?: "last"}} Wish */
/**
 * @typedef {{
 *   group: string,
 *   load: (wish: Wish, signal: AbortSignal) => Promise<Curve[]>,
 *   names: (signal: AbortSignal) => Promise<Map<string, string[]>>,
 *   title?: (chart: string) => string,
 *   reported: (chart: string) => import("./csv.js").Wanted[],
 *   origin: (task: string) => number,
 *   latest: (signal: AbortSignal) => Promise<Map<string, number>>,
 *   exact?: (chart: string, axis: Axis, from: number, to: number, signal: AbortSignal) => Promise<Map<string, number>>,
 *   color: (curve: Curve) => number,
 *   isHidden: (curve: Curve) => boolean,
 *   toggle?: (curve: Curve, isOnly: boolean) => void,
 *   isSorted?: boolean, atOnce?: number, axes?: Axis[],
 *   signal: AbortSignal,
 * }} Source
 */

const MAX_SAMPLES = 6000;
const MIN_SAMPLES = 200;
const POINTS_PER_PIXEL = 4;
const REFRESH_MS = 2000;
const PATIENCE_MS = 400;
const FIRST_CHARTS = 1;
const ALL_AT_ONCE = 60; // charts; of more, only those near the window are read
const SCROLLING_MS = 80;
const NARROW_PX = 768; // as in the style sheet
const NO_END = 2 ** 52;
/** px of a card: its height, its height on a phone, its least width. */
const SIZES = /** @type {Record<string, {height: number, narrow: number, least: number}>} */ ({
  small: { height: 236, narrow: 236, least: 240 },
  medium: { height: 345, narrow: 312, least: 375 },
  large: { height: 560, narrow: 420, least: 640 },
});
const AXES = /** @type {[Axis, string][]} */ ([["iter", "Iteration"], ["time", "Time"], ["relative", "Relative"]]);

export class Board {
  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    /** @type {Map<string, Curve[]>} */
    this.curves = new Map();
    /** @type {Map<string, {chart: Chart, card: HTMLElement, log: HTMLElement, pin: HTMLElement}>} cards of the charts near the window */
    this.cards = new Map();
    /** @type {{name: string, chart: Chart, curves: Curve[], dialog: HTMLDialogElement} | null} */
    this.full = null;
    this.axes = AXES.filter(([axis]) => !source.axes || source.axes.includes(axis));
    this.axis = /** @type {Axis} */ (this.axes.some(([axis]) => axis === route.param("x")) ? route.param("x") : "iter");
    this.smoothing = Math.min(Math.max(Number(route.param("smooth")) || 0, 0), 0.99);
    this.range = rangeOf(route.param("range"));
    this.filter = route.param("q");
    this.logs = route.listed("log");
    this.pinned = route.listed("pin");
    this.atOnce = source.atOnce ?? ALL_AT_ONCE;
    this.isLogX = Boolean(route.param("logx"));
    this.isClipped = Boolean(route.param("clip"));
    this.nearest = ""; // the series of the curve that is nearest to the cursor
    this.nearestFrame = 0;
    /** @type {Map<string, [number | null, number | null]>} the vertical ranges that somebody chose */
    this.yRanges = new Map([...route.listed("y")].map(yRangeOf));
    this.turned = route.listed("fold");
    this.size = Object.hasOwn(SIZES, route.param("size")) ? route.param("size") : "medium";
    /** @type {Map<string, string[]>} all charts, and the names of their curves */
    this.names = new Map();
    this.areNamesStale = true;
    /** @type {Promise<Map<string, number>> | null} the last values, as the summary tells them */
    this.latest = null;
    /** @type {Map<string, ChartGrid>} */
    this.sections = new Map();
    this.dirty = new Set();
    /** @type {Set<[NewMetrics, Place][]>} */
    this.collections = new Set();
    this.isTold = false; // whether what is new is told, and all that there is was asked for since
    /** @type {Promise<void> | null} */
    this.first = null;
    this.asked = 0; // numbers of the newest question, and of the question whose answer is shown
    this.shown = 0;
    this.body = h("div", { class: "chart-sections" });
    this.state = h("div", { class: "board-state" }, notice("Reading curves …"));
    this.element = h("section", { class: "board", "aria-label": "Curves" }, this.toolbar(), this.state, this.body);
    let frame = 0;
    const moved = () => (frame ||= requestAnimationFrame(() => ((frame = 0), this.layOut())));
    addEventListener("scroll", moved, { passive: true, signal: source.signal });
    this.observer = new ResizeObserver(moved);
    this.observer.observe(this.body);
    this.readSeen = later(SCROLLING_MS, () => this.readMissing());
    this.showZoom();
    this.refresh = throttled(REFRESH_MS, () => this.read(), source.signal);
    /** What was told may be wrong. @type {() => unknown} */
    this.again = () => ((this.areNamesStale = true), this.refresh());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawAll(), { signal: source.signal });
    addEventListener("theme", () => this.drawAll(), { signal: source.signal });
    source.signal.addEventListener("abort", () => this.destroy());
  }

  destroy() {
    this.observer.disconnect();
    for (const { chart } of this.cards.values()) chart.destroy();
    this.full?.dialog.remove();
  }

  toolbar() {
    const smoothing = h("output", {}, this.smoothing.toFixed(2));
    this.everything = h("button", { type: "button", class: "button", hidden: !this.range, onclick: () => this.zoom(null) }, "Show all");
    return h(
      "div",
      { class: "toolbar" },
      h("input", {
        type: "search",
        placeholder: "Filter curves",
        "aria-label": "Filter curves",
        value: this.filter,
        oninput: later(120, (/** @type {Event} */ e) => this.search(/** @type {HTMLInputElement} */ (e.target).value)),
      }),
      h(
        "label",
        { class: "range" },
        "Smoothing",
        h("input", {
          type: "range",
          min: 0,
          max: 0.99,
          step: 0.01,
          value: this.smoothing,
          oninput: (/** @type {Event} */ event) => {
            this.smoothing = Number(/** @type {HTMLInputElement} */ (event.target).value);
            smoothing.textContent = this.smoothing.toFixed(2);
            route.remember({ smooth: this.smoothing ? String(this.smoothing) : "" });
            this.drawAll();
          },
        }),
        smoothing,
      ),
      h(
        "fieldset",
        { class: "choice" },
        h("legend", { class: "unseen" }, "Horizontal axis"),
        ...this.axes.map(([axis, label]) =>
          h(
            "label",
            {},
            h("input", { type: "radio", name: "axis", value: axis, checked: axis === this.axis, onchange: () => this.turn(axis) }),
            h("span", {}, label),
          ),
        ),
      ),
      h("button", { type: "button", class: "chip", title: "Logarithmic horizontal axis", "aria-pressed": String(this.isLogX), onclick: (/** @type {Event} */ e) => this.toggleLogX(/** @type {HTMLElement} */ (e.currentTarget)) }, "log x"),
      h("button", { type: "button", class: "chip", title: "Vertical axes without the odd hundredth of points, and without curves far beyond the others", "aria-pressed": String(this.isClipped), onclick: (/** @type {Event} */ e) => this.toggleClip(/** @type {HTMLElement} */ (e.currentTarget)) }, "clip outliers"),
      h("select", { "aria-label": "Size of charts", onchange: (/** @type {Event} */ e) => this.resize(/** @type {HTMLSelectElement} */ (e.target).value) }, Object.keys(SIZES).map((size) => h("option", { value: size, selected: size === this.size }, `${size[0].toUpperCase()}${size.slice(1)}`))),
      this.everything,
    );
  }

  /** @param {HTMLElement} button */
  toggleLogX(button) {
    this.isLogX = !this.isLogX;
    button.setAttribute("aria-pressed", String(this.isLogX));
    route.remember({ logx: this.isLogX ? "1" : "" });
    this.drawAll();
  }

  /** @param {HTMLElement} button */
  toggleClip(button) {
    this.isClipped = !this.isClipped;
    button.setAttribute("aria-pressed", String(this.isClipped));
    route.remember({ clip: this.isClipped ? "1" : "" });
    this.drawAll();
  }

  /** Let the curves of a series stand out in all charts; an empty name: none. @param {string} series */
  highlight(series) {
    if (series === this.nearest) return;
    this.nearest = series;
    this.nearestFrame ||= requestAnimationFrame(() => {
      this.nearestFrame = 0;
      for (const chart of [...[...this.cards.values()].map((card) => card.chart), this.full?.chart]) chart?.highlight(this.nearest);
    });
  }

  /** The ends of a chart's vertical axis, to be chosen. @param {string} name */
  yRangeFields(name) {
    const ends = this.yRanges.get(name) ?? [null, null];
    return ["Lowest value", "Highest value"].map((label, i) =>
      h("input", {
        type: "number", step: "any", "aria-label": label, placeholder: label.split(" ")[0].toLowerCase(), value: ends[i] ?? "",
        oninput: later(300, (/** @type {Event} */ event) => {
          const { value } = /** @type {HTMLInputElement} */ (event.target);
          ends[i] = value === "" ? null : Number(value);
          this.yRanges.set(name, ends);
          route.rememberList("y", [...this.yRanges].filter(([, of]) => of.some((end) => end !== null)).map(([of, [low, high]]) => `${of}~${low ?? ""}~${high ?? ""}`));
          this.drawOne(name);
        }),
      }),
    );
  }

  /** @param {string} size */
  resize(size) {
    this.size = size;
    route.remember({ size: size === "medium" ? "" : size });
    this.layOut();
    this.read();
  }

  /** @param {string} text */
  search(text) {
    this.filter = text;
    route.remember({ q: text });
    this.arrange();
    if (this.element.getBoundingClientRect().top < 0) this.element.scrollIntoView();
  }

  /** @param {Axis} axis */
  turn(axis) {
    this.axis = axis;
    this.range = null;
    this.shown = this.asked + 1; // answers on the other axis are of no use any more
    route.remember({ x: axis === "iter" ? "" : axis, range: "" });
    this.showZoom();
    this.curves.clear();
    this.read();
  }

  /** Show a range of x at full resolution, in all charts. @param {[number, number] | null} range */
  zoom(range) {
    this.range = range && range[1] > range[0] ? range : null;
    this.shown = this.asked + 1;
    route.remember({ range: this.range ? this.range.map((x) => Math.round(x)).join("~") : "" });
    this.showZoom();
    this.drawAll();
    this.read();
  }

  /** What leads back to everything is there while a range is shown. */
  showZoom() {
    if (this.everything) this.everything.hidden = !this.range;
    this.element.classList.toggle("is-zoomed", Boolean(this.range));
  }

  /** Read once what is new is told, so that nothing falls between; or soon, where that takes long. The first chart at once. */
  start() {
    this.first = this.readFirst(++this.asked, true);
    this.first.catch(() => null); // who awaits it hears of it
    const timer = setTimeout(() => this.again(), PATIENCE_MS);
    this.source.signal.addEventListener("abort", () => clearTimeout(timer));
    this.again = () => {
      clearTimeout(timer);
      this.isTold = true;
      this.areNamesStale = true;
      this.again = () => ((this.areNamesStale = true), this.refresh());
      this.refresh();
    };
  }

  /** Ask for all curves in the range that is shown. */
  async read() {
    const asked = ++this.asked;
    const late = this.collect();
    try {
      await (this.first ?? (this.curves.size ? null : this.readFirst(asked, false)));
      this.first = null;
      await this.readNames();
      const wanted = this.names.size > this.atOnce ? this.wanted() : null;
      const curves = wanted && !wanted.length ? [] : await this.load(this.wish(wanted), true);
      if (asked < this.shown) return;
      this.shown = asked;
      this.curves = grouped(curves);
      for (const [metrics, place] of late) this.extend(this.curves, metrics, place);
      if (wanted) this.forgetEmpty(wanted);
      else this.names = new Map([...this.curves].map(([name, of]) => [name, of.map((curve) => curve.name)]));
      replace(this.state, this.names.size ? null : notice("No scalars yet. They appear here as they are reported."));
      this.arrange();
      this.open(route.param("full"));
      await Promise.all([this.readLasts(curves), this.readFull()]);
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
    } finally {
      this.collections.delete(late);
    }
  }

  /** Read anew at once what answers before do not fit any more. */
  reread() {
    this.shown = this.asked + 1;
    this.curves.clear();
    this.read();
  }

  /** The last values of curves that have none yet and end in a bucket, whose mean is none. @param {Curve[]} curves */
  async readLasts(curves) {
    const due = curves.filter((curve) => curve.last === undefined && endsInBucket(curve));
    if (!due.length) return;
    const from = due.reduce((least, { x }) => Math.min(least, x[x.length - 1]), Infinity);
    const range = /** @type {[number, number]} */ ([from, this.range?.[1] ?? NO_END]);
    const charts = [...new Set(due.map(({ chart }) => chart))];
    const found = grouped(await this.source.load({ ...this.wish(charts, 1), range, aggregation: "last" }, this.source.signal));
    for (const curve of due) {
      const last = found.get(curve.chart)?.find(({ series }) => series === curve.series)?.y.at(-1);
      if (curve.last === undefined && last != null) curve.last = last;
    }
    for (const chart of charts) this.drawOne(chart);
  }

  /**
   * Curves, whole ones with the last value that their task's summary tells, as tables do.
   * @param {Wish} wish
   * @param {boolean} [isNew] whether to read the summary anew
   */
  async load(wish, isNew = false) {
    const { latest, load, signal } = this.source;
    if (isNew) this.latest = null;
    const last = this.range ? null : (this.latest ??= latest(signal));
    const [curves, values] = await Promise.all([load(wish, signal), last]);
    for (const curve of curves) curve.last ??= values?.get(latestKey(curve.chart, curve.series));
    return curves;
  }

  /**
   * The first chart, so that something is seen at once; not where all are about to be read and there is but one.
   * @param {number} asked
   * @param {boolean} isOpening
   */
  async readFirst(asked, isOpening) {
    await this.readNames();
    const names = [...this.names.keys()].sort(byName);
    if (!names.length || (names.length <= FIRST_CHARTS && !(isOpening && !this.isTold))) return;
    const first = names.length > this.atOnce ? this.firstSeen() : names.slice(0, FIRST_CHARTS);
    const curves = await this.load(this.wish(first));
    if (asked < this.shown) return;
    this.curves = grouped(curves);
    replace(this.state);
    this.arrange();
  }

  async readNames() {
    if (!this.areNamesStale) return;
    this.areNamesStale = false;
    try {
      this.names = await this.source.names(this.source.signal);
    } catch (error) {
      this.areNamesStale = true;
      throw error;
    }
  }

  /** The charts that are first seen of very many. */
  firstSeen() {
    this.arrange();
    return this.wanted();
  }

  /** The charts whose curves are needed: those near the window, and the one that fills it. */
  wanted() {
    const full = this.full?.name ?? route.param("full");
    return [...new Set([...this.cards.keys(), ...(this.names.has(full) ? [full] : [])])];
  }

  /** Leave out what has no curve, such as single values; whether there were such. @param {string[]} charts that were read */
  forgetEmpty(charts) {
    const empty = charts.filter((name) => !this.curves.get(name)?.length);
    for (const name of empty) this.names.delete(name);
    return empty.length > 0;
  }

  /** Read the curves of charts that scrolling has brought near. */
  async readMissing() {
    const missing = this.wanted().filter((name) => !this.curves.has(name));
    if (!missing.length || this.names.size <= this.atOnce) return;
    const key = JSON.stringify([this.axis, this.range]);
    try {
      const groups = grouped(await this.load(this.wish(missing)));
      if (key !== JSON.stringify([this.axis, this.range])) return;
      for (const name of missing) this.curves.set(name, groups.get(name) ?? []);
      if (this.forgetEmpty(missing)) this.arrange();
      for (const name of missing) this.drawOne(name);
      await this.readLasts([...groups.values()].flat());
    } catch (error) {
      if (!isAbort(error)) replace(this.state, notice(describe(error), true));
    }
  }

  /** @param {string[] | null} charts @param {number} [samples] @returns {Wish} */
  wish(charts, samples = this.samples()) {
    return { samples, axis: this.axis, range: this.range, charts };
  }

  /** What is reported from now on, which an answer that is under way may lack. */
  collect() {
    /** @type {[NewMetrics, Place][]} */
    const late = [];
    this.collections.add(late);
    return late;
  }

  samples() {
    const width = this.body.querySelector(".canvas")?.clientWidth || Math.min(this.body.clientWidth, 480);
    return Math.min(Math.max(Math.round(width), MIN_SAMPLES), MAX_SAMPLES);
  }

  /**
   * Points that have just been reported. `place` tells the curve of a metric and variant.
   * @param {NewMetrics} metrics
   * @param {Place} place
   */
  add(metrics, place) {
    if (this.range) return;
    for (const late of this.collections) late.push([metrics, place]);
    let isComplete = this.extend(this.curves, metrics, place);
    if (this.full) isComplete = this.extend(new Map([[this.full.name, this.full.curves]]), metrics, place, true) && isComplete;
    requestAnimationFrame(() => this.drawDirty());
    if (!isComplete) this.refresh();
  }

  /**
   * Put points where they belong. False if some belong nowhere, so that the curves must be read again.
   * @param {Map<string, Curve[]>} curves
   * @param {NewMetrics} metrics
   * @param {Place} place
   * @param {boolean} [arePart] whether there are other charts too
   */
  extend(curves, metrics, place, arePart) {
    let isComplete = true;
    for (const [metric, variants] of Object.entries(metrics)) {
      for (const [variant, points] of Object.entries(variants)) {
        const { chart, series, shift = 0 } = place(metric, variant);
        const own = curves.get(chart)?.find((curve) => curve.series === series);
        if (!curves.has(chart) && this.names.has(chart)) continue; // it is read once it is seen
        const moved = shift ? { ...points, t: points.t.map((t) => t - shift) } : points;
        if (!own && !arePart) this.areNamesStale = true;
        if (!own) isComplete &&= Boolean(arePart);
        else isComplete = extend(own, moved, this.axis) && this.fits(own) && isComplete;
        this.dirty.add(chart);
      }
    }
    return isComplete;
  }

  /** Whether a curve still has no more points than there is room for. @param {Curve} curve */
  fits(curve) {
    const width = this.full?.name === curve.chart ? this.full.chart.size().width : this.samples();
    return curve.x.length <= POINTS_PER_PIXEL * width;
  }

  drawDirty() {
    for (const name of this.dirty) this.drawOne(name);
    this.dirty.clear();
  }

  drawAll() {
    for (const name of this.cards.keys()) this.drawOne(name);
    this.drawFull();
  }

  /** @param {string} name */
  drawOne(name) {
    const card = this.cards.get(name);
    const curves = this.curves.get(name);
    if (card && curves) card.chart.draw(curves, this.view(name));
    if (this.full?.name === name) this.drawFull();
  }

  /** @param {string} name @returns {import("./chart.js").View} */
  view(name) {
    const { axis, smoothing, range, source } = this;
    const isLogX = this.isLogX && axis !== "time";
    return { axis, smoothing, range, isLogX, isClipped: this.isClipped, isLog: this.logs.has(name), yRange: this.yRanges.get(name) ?? [null, null], isSorted: Boolean(source.isSorted), isHidden: source.isHidden };
  }

  /** The charts that there are, in sections and in order, as far as the search lets them. */
  arrange() {
    const isWanted = matcher(this.filter);
    const names = [...this.names].filter(([name, curves]) => isWanted([this.title(name), ...curves])).map(([name]) => name);
    const sections = sectionsOf(names.sort(byName), { title: (name) => this.title(name), pinned: this.pinned, turned: this.turned });
    const known = this.sections;
    this.sections = new Map(sections.map(({ key }) => [key, known.get(key) ?? new ChartGrid(key, () => this.fold(key))]));
    for (const section of sections) this.sections.get(section.key)?.show(section);
    const elements = [...this.sections.values()].map(({ element }) => element);
    if (elements.some((element, i) => this.body.children[i] !== element) || elements.length !== this.body.childElementCount) this.body.replaceChildren(...elements);
    this.layOut();
    this.drawAll();
  }

  /** Make the cards that are near the window, and remove the others. */
  layOut() {
    const { height, narrow, least } = SIZES[this.size];
    const card = { height: innerWidth < NARROW_PX ? narrow : height, least };
    this.body.style.setProperty("--card", `${card.height}px`);
    const near = [...this.sections.values()].map((section) => ({ section, names: section.near(card) }));
    const all = new Set(near.flatMap(({ names }) => names));
    for (const [name, { chart }] of this.cards) {
      if (all.has(name)) continue;
      chart.destroy();
      this.cards.delete(name);
    }
    const made = [...all].filter((name) => !this.cards.has(name));
    for (const { section, names } of near) section.fill(names.map((name) => (this.cards.get(name) ?? this.makeCard(name)).card));
    for (const name of made) if (this.curves.has(name)) this.drawOne(name);
    if (made.length) this.readSeen();
  }

  /** @param {string} key of a section */
  fold(key) {
    if (!this.turned.delete(key)) this.turned.add(key);
    route.rememberList("fold", this.turned);
    this.arrange();
  }

  /** @param {string} name */
  pin(name) {
    if (!this.pinned.delete(name)) this.pinned.add(name);
    route.rememberList("pin", this.pinned);
    this.cards.get(name)?.pin.setAttribute("aria-pressed", String(this.pinned.has(name)));
    this.arrange();
  }

  /** @param {string} name */
  title(name) {
    return this.source.title?.(name) ?? name;
  }

  /** @param {string} name */
  makeCard(name) {
    const title = this.title(name);
    const chart = new Chart(title, this.actions(name), this.source.group);
    const log = this.logButton(name);
    const pin = iconButton("pin", `Pin: ${title}`, () => this.pin(name), { "aria-pressed": String(this.pinned.has(name)) });
    const card = h(
      "article",
      { class: "card", "aria-label": title },
      h(
        "header",
        {},
        h("h3", { title }, title),
        log,
        pin,
        this.wholeButton(),
        iconButton("expand", `Full screen: ${title}`, () => this.open(name)),
      ),
      chart.element,
    );
    const made = { chart, card, log, pin };
    this.cards.set(name, made);
    return made;
  }

  wholeButton() {
    return iconButton("whole", "Whole range", () => this.zoom(null), { class: "icon-button whole" });
  }

  /** @param {string} name */
  logButton(name) {
    const pressed = { "aria-pressed": String(this.logs.has(name)), title: "Logarithmic axis" };
    return h("button", { type: "button", class: "chip", ...pressed, onclick: () => this.toggleLog(name) }, "log");
  }

  /** @param {string} name */
  toggleLog(name) {
    if (!this.logs.delete(name)) this.logs.add(name);
    route.rememberList("log", this.logs);
    const buttons = [this.cards.get(name)?.log, this.full?.dialog.querySelector(".chip")];
    for (const button of buttons) button?.setAttribute("aria-pressed", String(this.logs.has(name)));
    this.drawOne(name);
  }

  /** @param {string} name @returns {import("./chart.js").Actions} */
  actions(name) {
    const { exact, signal } = this.source;
    return {
      exact: exact && ((from, to) => exact(name, this.axis, from, to, signal)),
      zoom: (from, to) => this.zoom([from, to]),
      reset: () => this.range && this.zoom(null),
      toggle: this.source.toggle && ((curve, isOnly) => (this.source.toggle?.(curve, isOnly), this.drawAll())),
      color: this.source.color,
      near: (series) => this.highlight(series),
    };
  }

  /** One chart as large as the window. @param {string} name */
  open(name) {
    if (!name || this.full || !this.names.has(name)) return;
    const title = this.title(name);
    const chart = new Chart(title, this.actions(name), this.source.group);
    const buttons = [
      this.logButton(name),
      iconButton("more", "Zoom in", () => chart.magnify(0.5)),
      iconButton("less", "Zoom out", () => chart.magnify(2)),
      this.wholeButton(),
      ...this.yRangeFields(name),
      this.saveButton("CSV", "Every point as it was reported, in the range that is shown", () => this.table(name)),
      this.saveButton("PNG", "The chart as it is drawn", () => chart.image()),
      iconButton("shrink", "Leave full screen", () => this.full?.dialog.close()),
    ];
    const dialog = h("dialog", { class: "full", "aria-label": title, onclose: () => this.close() });
    dialog.append(h("header", {}, h("h3", {}, title), ...buttons), chart.element);
    this.element.append(dialog);
    this.full = { name, chart, curves: copied(this.curves.get(name) ?? []), dialog };
    dialog.showModal();
    chart.canvas.focus();
    route.remember({ full: name });
    this.drawFull();
    this.readFull().catch((error) => isAbort(error) || replace(this.state, notice(describe(error), true)));
  }

  close() {
    this.full?.chart.destroy();
    this.full?.dialog.remove();
    this.full = null;
    route.remember({ full: "" });
  }

  drawFull() {
    if (this.full?.curves.length) this.full.chart.draw(this.full.curves, this.view(this.full.name));
  }

  /** The large chart deserves points of its own. */
  async readFull() {
    const full = this.full;
    if (!full) return;
    const samples = Math.min(Math.max(full.chart.size().width, MIN_SAMPLES), MAX_SAMPLES);
    const late = this.collect();
    try {
      full.curves = await this.load(this.wish([full.name], samples));
      for (const [metrics, place] of late) this.extend(new Map([[full.name, full.curves]]), metrics, place, true);
      if (full === this.full) this.drawFull();
      await this.readLasts(full.curves);
    } finally {
      this.collections.delete(late);
    }
  }

  /**
   * What gives the large chart to the person as a file.
   * @param {"CSV" | "PNG"} kind
   * @param {string} about
   * @param {() => Promise<Blob | null>} make
   */
  saveButton(kind, about, make) {
    const save = async () => {
      if (!this.full) return;
      button.disabled = true;
      try {
        const content = await make();
        if (content) download(`${this.title(this.full?.name ?? "")}.${kind.toLowerCase()}`, content);
      } catch (error) {
        if (!isAbort(error)) replace(this.state, notice(describe(error), true));
      }
      button.disabled = false;
    };
    const button = h("button", { type: "button", class: "button", title: about, onclick: save }, kind);
    return button;
  }

  /** The reported points of a chart. @param {string} name */
  table(name) {
    const { axis, range, source } = this;
    return csv(source.reported(name), { axis, range, origin: source.origin }, source.signal);
  }
}

/** What tells a curve in `latest`. @param {string} chart @param {string} series */
export function latestKey(chart, series) {
  return JSON.stringify([chart, series]);
}

/** @param {Curve[]} curves */
function grouped(curves) {
  /** @type {Map<string, Curve[]>} */
  const groups = new Map();
  for (const curve of curves) groups.set(curve.chart, [...(groups.get(curve.chart) ?? []), curve]);
  return groups;
}

/** @param {Curve[]} curves @returns {Curve[]} */
function copied(curves) {
  return curves.map((c) => ({ ...c, x: [...c.x], y: [...c.y], low: c.low && [...c.low], high: c.high && [...c.high] }));
}

/** A vertical range as addresses have it. @param {string} text @returns {[string, [number | null, number | null]]} */
function yRangeOf(text) {
  const [, name, ...ends] = /^(.*)~([^~]*)~([^~]*)$/s.exec(text) ?? ["", text, "", ""];
  const [low, high] = ends.map((end) => (end === "" || !Number.isFinite(Number(end)) ? null : Number(end)));
  return [name, [low, high]];
}

/** @param {string} text @returns {[number, number] | null} */
function rangeOf(text) {
  const [from, to] = text.split("~").map(Number);
  return to > from ? [from, to] : null;
}

/** @param {string} one @param {string} other */
function byName(one, other) {
  return one.localeCompare(other, "en", { numeric: true });
}
