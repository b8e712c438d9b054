// One chart: a canvas of curves with their bands, a legend that names and switches them, and a cursor.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { areDates, horizontal, isDate, remarks, vertical } from "./axes.js";
import { clipped } from "./clipping.js";
import { extremes, smooth } from "./curves.js";
import { h, notice, replace } from "./dom.js";
import * as fingers from "./fingers.js";
import * as format from "./format.js";
import { distinct } from "./names.js";
import { color, dash, swatch } from "./swatch.js";

/** @typedef {import("./curves.js").Curve} Curve */
/**
 * How curves are shown. `range`: of x, null for all; `yRange`: its ends, null for what the curves need. `isSorted`: the legend, by value.
 * @typedef {{
 *   axis: import("./curves.js").Axis, smoothing: number, isLog: boolean, isLogX: boolean, isSorted: boolean, isClipped: boolean,
 *   range: [number, number] | null, yRange: [number | null, number | null],
 *   isHidden: (curve: Curve) => boolean,
 * }} View
 */
/**
 * @typedef {{
 *   zoom: (from: number, to: number) => void, reset: () => void, toggle?: (curve: Curve, isOnly: boolean) => void,
 *   color: (curve: Curve) => number, near?: (series: string) => void, exact?: (from: number, to: number) => Promise<Map<string, number>>,
 * }} Actions
 */

const KEY_STEP = 1 / 50;
const LEAST_PINCH_PX = 10;
const NEAR_PX = 30; // from the cursor to the curve that it is said to be at
const FAINT = 0.25; // of the other curves
const EXACT_MS = 120; // that a cursor rests before the stored values at it are asked for

export class Chart {
  /**
   * @param {string} title
   * @param {Actions} actions
   * @param {string} group charts of one group share the cursor
   */
  constructor(title, actions, group) {
    this.title = title;
    this.actions = actions;
    this.group = group;
    /** @type {uPlot | null} */
    this.plot = null;
    this.shape = "";
    /** @type {Curve[]} */
    this.curves = [];
    /** @type {View | null} */
    this.view = null;
    /** @type {{curve: Curve, index: number, output: HTMLElement}[]} */
    this.rows = [];
    /** The range when two fingers came down, and what they have made of it. @type {[number, number] | null} */
    this.held = null;
    /** @type {[number, number] | null} */
    this.pinched = null;
    this.isHeld = false;
    this.resting = 0;
    this.nearest = "";
    /** The curves that are drawn, and which series of the plot their lines are. @type {{curve: Curve, line: number}[]} */
    this.lines = [];
    /** What is to be drawn once no finger is on the canvas any more. @type {(() => void) | null} */
    this.late = null;
    this.canvas = h("div", { class: "canvas", tabindex: 0, role: "img", "aria-label": title, onkeydown: (/** @type {KeyboardEvent} */ e) => this.key(e) });
    this.legend = h("ul", { class: "legend" });
    this.remarks = h("div", { class: "remarks" });
    this.element = h("div", { class: "chart" }, this.canvas, this.remarks, this.legend);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.canvas);
    fingers.listen(this.canvas, {
      choose: (from, to) => this.choose(this.within(from), this.within(to)),
      pinch: (began, now) => this.pinch(/** @type {any} */ (began.map((px) => this.within(px))), /** @type {any} */ (now.map((px) => this.within(px)))),
      end: (isChosen) => (isChosen ? this.plot && this.selected(this.plot) : this.release()),
      hold: (isHeld) => this.hold(isHeld),
    });
  }

  /** Draw curves, or say here why they cannot be drawn: other charts go on. @param {Curve[]} curves @param {View} view */
  draw(curves, view) {
    if (this.isHeld) {
      this.late = () => this.draw(curves, view);
      return;
    }
    try {
      this.show(curves, view);
    } catch (error) {
      this.plot?.destroy();
      this.plot = null;
      this.canvas.querySelector(".uplot")?.remove();
      replace(this.remarks, notice(`This chart cannot be drawn: ${error instanceof Error ? error.message : error}`, true));
    }
  }

  /** @param {Curve[]} curves @param {View} view */
  show(curves, view) {
    this.curves = curves;
    this.view = view;
    const shown = curves.filter((curve) => !view.isHidden(curve));
    const hasBands = shown.map((curve) => curve.low !== null);
    const shape = JSON.stringify([shown.map((c) => c.series), hasBands, view.isLog, view.isLogX, view.axis, view.smoothing > 0, areDates(shown), theme()]);
    const data = assemble(shown, hasBands, view);
    if (this.plot && shape === this.shape) {
      this.redraw(this.plot, data);
    } else {
      this.shape = shape;
      this.plot?.destroy();
      this.plot = this.make(this.options(shown, hasBands, view), data);
      if (this.nearest) this.highlight(this.nearest);
    }
    this.lines.forEach((line, i) => (line.curve = shown[i]));
    replace(this.remarks, [...remarks(shown, view), ...this.beyond(this.plot)].map((text) => notice(text)));
    this.describe(curves, shown);
  }

  /** Draw at once, so that exceptions come to whoever draws. @param {uPlot} plot @param {uPlot.AlignedData} data */
  redraw(plot, data) {
    plot.batch(() => plot.setData(data));
  }

  /** A chart that is drawn at once. @param {uPlot.Options} options @param {uPlot.AlignedData} data */
  make(options, data) {
    return new uPlot(options, data, (made, begin) => {
      this.canvas.append(made.root);
      made.batch(begin);
    });
  }

  destroy() {
    this.observer.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  size() {
    return { width: Math.max(this.canvas.clientWidth, 120), height: Math.max(this.canvas.clientHeight, 100) };
  }

  resize() {
    const { width, height } = this.size();
    if (this.plot && (width !== this.plot.width || height !== this.plot.height)) this.plot.setSize({ width, height });
  }

  /**
   * @param {Curve[]} shown
   * @param {boolean[]} hasBands
   * @param {View} view
   * @returns {uPlot.Options}
   */
  options(shown, hasBands, view) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--muted").trim();
    const grid = { stroke: style.getPropertyValue("--grid").trim(), width: 1 };
    const lines = { stroke: ink, grid, ticks: { ...grid, size: 4 } };
    const { axis, right, left } = horizontal(lines, view.axis, areDates(shown), view.isLogX);
    const { series, bands } = this.series(shown, hasBands, view, style);
    return {
      ...this.size(),
      ms: 1,
      padding: [10, right, 0, left],
      legend: { show: false },
      scales: {
        x: {
          time: view.axis === "time" && areDates(shown),
          distr: view.isLogX ? 3 : 1,
          range: (plot, low, high) => this.across(plot, low, high),
        },
        y: { range: (plot, low, high) => bounded(padded(...(this.ends(plot) ?? [low, high])), this.view) },
      },
      axes: [axis, vertical(lines, view.isLog)],
      series,
      bands,
      focus: { alpha: FAINT },
      cursor: {
        sync: { key: this.group, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        y: false,
        bind: { dblclick: () => () => (this.actions.reset(), null) },
      },
      hooks: { setSelect: [(plot) => this.selected(plot)], setCursor: [(plot) => (this.tell(plot.cursor.idx ?? null), this.point(plot))] },
    };
  }

  /** What of the horizontal axis is shown. @param {uPlot} plot @param {number | null} low @param {number | null} high @returns {[number, number]} */
  across(plot, low, high) {
    const range = this.pinched ?? this.view?.range;
    if (!this.view?.isLogX) return range ?? all(this.view?.axis === "iter" ? plot.data[0] : [], low, high);
    const least = low && low > 0 ? low : 1;
    const [from, to] = range ?? [least, high ?? least];
    const start = Math.max(from, Math.min(least, 1));
    return [start, Math.max(to, start * 2)];
  }

  /**
   * @param {Curve[]} shown
   * @param {boolean[]} hasBands
   * @param {View} view
   * @param {CSSStyleDeclaration} style
   */
  series(shown, hasBands, view, style) {
    /** @type {uPlot.Series[]} */
    const series = [{}];
    /** @type {uPlot.Band[]} */
    const bands = [];
    const unseen = { width: 0, points: { show: false } };
    this.lines = [];
    shown.forEach((curve, i) => {
      const index = this.actions.color(curve);
      const ink = style.getPropertyValue(color(index)).trim();
      if (view.smoothing) series.push({ stroke: `${ink}55`, width: 1, points: { show: false } });
      series.push({ stroke: ink, width: 1.6, dash: dash(index), points: { size: 5 } });
      this.lines.push({ curve, line: series.length - 1 });
      if (!hasBands[i]) return;
      series.push(unseen, unseen);
      bands.push({ series: [series.length - 1, series.length - 2], fill: `${ink}45` });
    });
    return { series, bands };
  }

  /** The vertical range without outliers, if it is to be such. @param {uPlot} plot @returns {[number, number] | null} */
  ends(plot) {
    return this.view?.isClipped ? clipped(this.lines.map(({ line }) => /** @type {(number | null)[]} */ (plot.data[line] ?? []).filter((value) => value !== undefined))) : null;
  }

  /** What outliers are not seen, in words. @param {uPlot} plot */
  beyond(plot) {
    const ends = this.ends(plot);
    const [low, high] = ends ? padded(...ends) : [-Infinity, Infinity];
    const isBeyond = (/** @type {number | null | undefined} */ value) => value != null && (value < low || value > high);
    const names = this.lines.filter(({ line }) => /** @type {(number | null)[]} */ (plot.data[line]).some(isBeyond)).map(({ curve }) => curve.name);
    return names.length ? [`Clipped: ${names.length > 3 ? `${names.length} curves` : names.join(", ")} reach beyond what is shown.`] : [];
  }

  /** Tell which curve the cursor is at, if a mouse points here. @param {uPlot} plot */
  point(plot) {
    if (!this.actions.near || this.lines.length < 2) return;
    const { left = -1, top = -1, idx } = plot.cursor;
    const isHere = this.canvas.matches(":hover");
    if (left < 0 || idx == null) return isHere ? undefined : this.nearest && !document.querySelector(".canvas:hover") ? this.actions.near("") : undefined;
    if (!isHere) return;
    const distances = this.lines.map(({ line }) => Math.abs(plot.valToPos(before(plot.data[line], idx), "y") - top));
    const least = distances.reduce((best, distance, i) => (distance < (distances[best] ?? NEAR_PX) ? i : best), -1);
    this.actions.near(distances[least] < NEAR_PX ? this.lines[least].curve.series : "");
  }

  /** Let the curve of a series stand out; an empty name: none. @param {string} series */
  highlight(series) {
    this.nearest = series;
    const line = this.lines.find(({ curve }) => curve.series === series)?.line ?? null;
    this.plot?.setSeries(/** @type {any} */ (line), { focus: true }, false);
    this.canvas.dataset.nearest = line === null ? "" : series;
    for (const { curve, output } of this.rows) output.closest("li")?.classList.toggle("is-nearest", curve.series === series);
  }

  /** @param {uPlot} plot */
  selected(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    queueMicrotask(() => this.actions.zoom(from, to)); // charts that share the cursor have yet to read theirs
  }

  /** Arrows move the cursor, + and - zoom around it, 0 shows all. @param {KeyboardEvent} event */
  key(event) {
    const plot = this.plot;
    if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const width = plot.over.clientWidth;
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const span = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
    if (move) {
      const step = (event.shiftKey ? 5 : 1) * KEY_STEP * width;
      const place = { left: Math.min(width, Math.max(0, this.pointed(plot) + move * step)), top: 10 };
      /** @type {any} */ (plot).setCursor(place, true, true); // the last: also in the charts beside it
    } else if (span) {
      this.magnify(span);
    } else if (event.key === "0" || event.key === "Escape") {
      this.actions.reset();
    } else return;
    event.preventDefault();
  }

  /** px of the cursor, or of the middle without one. @param {uPlot} plot */
  pointed(plot) {
    const { left = -1 } = plot.cursor;
    return left >= 0 ? left : plot.over.clientWidth / 2;
  }

  /** Show so many times the range, around the cursor. @param {number} span */
  magnify(span) {
    const plot = this.plot;
    if (!plot) return;
    const middle = plot.posToVal(this.pointed(plot), "x");
    const half = ((plot.posToVal(plot.over.clientWidth, "x") - plot.posToVal(0, "x")) * span) / 2;
    this.actions.zoom(middle - half, middle + half);
  }

  /** Fingers lose what is made anew under them, so nothing is. @param {boolean} isHeld */
  hold(isHeld) {
    this.isHeld = isHeld;
    const late = this.late;
    this.late = null;
    if (!isHeld) late?.();
  }

  /** px of the canvas as px of what is drawn in it. @param {number} px */
  within(px) {
    const over = /** @type {uPlot} */ (this.plot).over.getBoundingClientRect();
    return Math.min(over.width, Math.max(0, px + this.canvas.getBoundingClientRect().left - over.left));
  }

  /** @param {number} from @param {number} to */
  choose(from, to) {
    this.plot?.setSelect({ left: Math.min(from, to), width: Math.abs(to - from), top: 0, height: this.plot.over.clientHeight }, false);
  }

  /** What was under the fingers stays under them. @param {[number, number]} began @param {[number, number]} now */
  pinch(began, now) {
    const plot = this.plot;
    if (!plot) return;
    const width = plot.over.clientWidth;
    this.held ??= [plot.posToVal(0, "x"), plot.posToVal(width, "x")];
    const [low, high] = this.held;
    const [first, last] = began.map((px) => low + ((high - low) * px) / width);
    const perPx = (last - first) / Math.max(now[1] - now[0], LEAST_PINCH_PX);
    const from = first - perPx * now[0];
    this.pinched = [from, from + perPx * width];
    plot.setScale("x", { min: this.pinched[0], max: this.pinched[1] });
  }

  release() {
    const pinched = this.pinched;
    this.held = this.pinched = null;
    if (pinched) this.actions.zoom(...pinched);
  }

  /** What is drawn, in words. @param {Curve[]} curves @param {Curve[]} shown */
  describe(curves, shown) {
    this.canvas.setAttribute("aria-label", `${this.title}. ${shown.map(summary).join("; ")}. Arrow keys move the cursor, plus and minus zoom, 0 shows all.`);
    const isOwn = this.rows.length === curves.length && this.rows.every((row, i) => row.curve.series === curves[i].series);
    if (!isOwn) this.fillLegend(curves);
    this.rows.forEach((row, i) => {
      row.curve = curves[i];
      const button = /** @type {HTMLElement} */ (row.output.parentElement);
      button.setAttribute("aria-pressed", String(!this.view?.isHidden(row.curve)));
      button.title = `${summary(row.curve)}${this.actions.toggle ? ". Shift and click: only this" : ""}`;
    });
    this.tell(this.plot?.cursor.idx ?? null);
  }

  /** @param {Curve[]} curves */
  fillLegend(curves) {
    this.rows = curves.map((curve, index) => ({ curve, index, output: h("span", { class: "value" }) }));
    const names = distinct(curves.map(({ name }) => name));
    const items = this.rows.map((row, i) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", class: "series", onclick: (/** @type {MouseEvent} */ e) => this.actions.toggle?.(row.curve, e.shiftKey), disabled: !this.actions.toggle },
          swatch(this.actions.color(row.curve)),
          h("span", { class: "name" }, names[i]),
          row.output,
        ),
      ),
    );
    replace(this.legend, ...items);
  }

  /** Values at the cursor; the last ones without one. @param {number | null} index */
  tell(index) {
    if (!this.plot) return;
    const at = index === null ? null : (this.plot.data[0][index] ?? null);
    this.element.classList.toggle("is-pointed", at !== null);
    const values = this.rows.map((row) => (at === null ? extremes(row.curve).last : nearest(row.curve, at)));
    this.rows.forEach((row, i) => write(row.output, values[i]));
    this.rank(values);
    clearTimeout(this.resting);
    if (at !== null && index !== null && this.canvas.matches(":hover, :focus")) this.resting = setTimeout(() => this.tellExact(at, index), EXACT_MS);
    this.canvas.dataset.at = at === null ? "" : placeName(at, this.view?.axis ?? "iter");
  }

  /** Sort the legend by value, the highest first as it is above; hidden curves come last. @param {(number | null)[]} values */
  rank(values) {
    if (!this.view?.isSorted) return;
    const sizes = values.map((value, i) => (value === null || this.view?.isHidden(this.rows[i].curve) ? -Infinity : value));
    const order = sizes.map((_, i) => i).sort((a, b) => sizes[b] - sizes[a] || a - b);
    order.forEach((i, place) => /** @type {HTMLElement} */ (this.legend.children[i]).style.setProperty("order", String(place)));
  }

  /** The stored values at the cursor, in place of what the curves have there, which are means of 32 bits. @param {number} at @param {number} index */
  async tellExact(at, index) {
    const places = this.plot?.data[0] ?? [];
    const values = await this.actions.exact?.(at, Math.max(at, (places[index + 1] ?? at + 1) - 1)).catch(() => null);
    if (!values || this.plot?.data[0] !== places || this.plot.cursor.idx !== index) return;
    for (const row of this.rows) {
      const value = values.get(row.curve.series);
      if (value !== undefined) write(row.output, value);
    }
    this.canvas.dataset.exact = String(at);
  }

  /** The chart as an image, on its background and with its legend. */
  async image() {
    const source = this.plot?.ctx.canvas;
    if (!source) return null;
    const style = getComputedStyle(document.documentElement);
    const scale = devicePixelRatio;
    const [head, line] = [28 * scale, 18 * scale];
    const target = h("canvas", { width: source.width, height: source.height + head + line * (this.curves.length + 1) });
    const context = /** @type {CanvasRenderingContext2D} */ (target.getContext("2d"));
    context.fillStyle = style.getPropertyValue("--surface");
    context.fillRect(0, 0, target.width, target.height);
    context.drawImage(source, 0, head);
    context.fillStyle = style.getPropertyValue("--ink");
    context.font = `600 ${14 * scale}px system-ui, sans-serif`;
    context.fillText(this.title, 10 * scale, 19 * scale);
    context.font = `${12 * scale}px system-ui, sans-serif`;
    this.curves.forEach((curve, i) => {
      const y = head + source.height + line * (i + 1);
      context.fillStyle = style.getPropertyValue(color(this.actions.color(curve)));
      context.fillRect(12 * scale, y - 9 * scale, 10 * scale, 10 * scale);
      context.fillStyle = style.getPropertyValue("--ink");
      context.fillText(curve.name, 28 * scale, y);
    });
    return new Promise((/** @type {(blob: Blob | null) => void} */ done) => target.toBlob(done, "image/png"));
  }
}

/**
 * @param {Curve[]} shown
 * @param {boolean[]} hasBands
 * @param {View} view
 * @returns {uPlot.AlignedData}
 */
function assemble(shown, hasBands, view) {
  const placed = (/** @type {(number | null)[]} */ values) => (view.isLog ? values.map(exponent) : values);
  const tables = shown.map((curve, i) => {
    const columns = view.smoothing ? [curve.y, smooth(curve.y, view.smoothing)] : [curve.y];
    if (hasBands[i]) columns.push(curve.low ?? [], curve.high ?? []);
    const start = view.isLogX ? curve.x.findIndex((x) => x > 0) : 0;
    const from = start < 0 ? curve.x.length : start;
    return /** @type {uPlot.AlignedData} */ ([curve.x.slice(from), ...columns.map((column) => placed(column.slice(from)))]);
  });
  return tables.length ? uPlot.join(tables) : [[]];
}

/** The place of a value on a logarithmic axis; null if it has none. @param {number | null} value */
function exponent(value) {
  return value !== null && value > 0 ? Math.log10(value) : null;
}

/** A value, in full as its title. @param {HTMLElement} output @param {number | null} value */
function write(output, value) {
  output.textContent = format.number(value);
  output.title = value === null ? "" : String(value);
}

/** @param {Curve} curve @param {number} x */
function nearest(curve, x) {
  let [low, high] = [0, curve.x.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (curve.x[middle] <= x) low = middle;
    else high = middle - 1;
  }
  return curve.y[low] ?? null;
}

/** The last value up to an index, which a curve need not have itself; NaN without any. @param {ArrayLike<number | null | undefined>} values @param {number} index */
function before(values, index) {
  for (let i = index; i >= 0; i--) if (values[i] != null) return Number(values[i]);
  return NaN;
}

/** @param {Curve} curve */
function summary(curve) {
  const { low, high, last } = extremes(curve);
  return `${curve.name}: latest ${format.number(last)}, from ${format.number(low)} to ${format.number(high)}`;
}

/**
 * A place of the horizontal axis, in full.
 * @param {number} x
 * @param {import("./curves.js").Axis} axis
 */
function placeName(x, axis) {
  if (axis === "iter") return `iteration ${Math.round(x).toLocaleString("en")}`;
  if (axis === "relative") return format.duration(x);
  return isDate(x) ? format.clock(x) : `${x.toLocaleString("en")} ms`;
}

/**
 * All of the axis; around a single iteration, which uPlot takes for 0 to 100, and around nothing.
 * @param {ArrayLike<number>} places @param {number | null} low @param {number | null} high @returns {[number, number]}
 */
function all(places, low, high) {
  const [from, to] = places.length === 1 ? [places[0], places[0]] : [low ?? 0, high ?? 0];
  return from === to ? [from - 1, to + 1] : [from, to];
}

/** @param {number | null} low @param {number | null} high @returns {[number, number]} */
function padded(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}

/** A vertical range with the ends that somebody chose. @param {[number, number]} range @param {View | null} view @returns {[number, number]} */
function bounded([low, high], view) {
  const [least, most] = (view?.yRange ?? []).map((end) => (view?.isLog ? exponent(end) : end));
  const [from, to] = [least ?? low, most ?? high];
  return from < to ? [from, to] : [low, high];
}

/** Changes whenever colours do. */
function theme() {
  return getComputedStyle(document.documentElement).getPropertyValue("--surface");
}
