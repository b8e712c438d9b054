// The axes of a chart: ticks whose labels differ and have room, and what an axis cannot show, said in words.

import { extremes } from "./curves.js";
import { h } from "./dom.js";
import * as ticks from "./ticks.js";

/** @typedef {import("./vendor/uplot/uPlot.esm.js")} uPlot */
/** @typedef {import("./curves.js").Curve} Curve */
/** @typedef {import("./curves.js").Axis} Axis */
/** @typedef {(low: number, high: number, most: number) => ticks.Tick[]} MakeTicks */

const FONT = "11px system-ui, sans-serif";
const [X_TICK_PX, X_NUMBER_PX, Y_TICK_PX] = [90, 120, 42];
const DATE_PX = 75;
const [MINUTE, DAY, YEAR] = [60_000, 86_400_000, 365 * 86_400_000];
const [LEAST_WIDTH_PX, BESIDE_LABEL_PX] = [40, 13];
/** From the year 1 to the year 9999. */
const [FIRST_MS, LAST_MS] = [-62_135_596_800_000, 253_402_300_799_999];
/** uPlot passes its own choice by if there is only one increment, and takes whole numbers from 5 on untested. */
const ANY_INCREMENT = { incrs: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ low, /** @type {number} */ high) => [Math.max(5, high - low)], space: 1 };

const measuring = /** @type {CanvasRenderingContext2D} */ (h("canvas").getContext("2d"));

/** px that the widest of some texts takes. @param {Iterable<string>} texts */
function widest(texts) {
  measuring.font = FONT;
  return [...texts].reduce((most, text) => Math.max(most, measuring.measureText(text).width), 0);
}

/** Ticks of a logarithmic axis of values. @type {MakeTicks} */
function decades(low, high, most) {
  return ticks.logarithmic(Math.log10(low), Math.log10(high), most).map(({ at, label }) => ({ at: 10 ** at, label }));
}

/** @param {Axis} axis @param {boolean} isLog @returns {MakeTicks} */
function ticksOf(axis, isLog) {
  if (isLog) return decades;
  if (axis === "iter") return ticks.iterations;
  return axis === "relative" ? ticks.durations : ticks.linear;
}

/**
 * The horizontal axis, and how much room (px) it needs at its right end and left of the vertical axis.
 * @param {object} base colours and lines
 * @param {Axis} axis
 * @param {boolean} hasDates whether all times are dates
 * @param {boolean} isLog
 */
export function horizontal(base, axis, hasDates, isLog) {
  if (axis === "time" && hasDates) return { axis: { ...base, font: FONT, size: 40, space: DATE_PX, values: dates }, right: () => DATE_PX / 2, left: () => 0 };
  const { options, labels } = labelled(ticksOf(axis, isLog), (plot) => plot.width / (axis === "time" ? X_NUMBER_PX : X_TICK_PX));
  const half = () => widest(labels.values()) / 2;
  const left = (/** @type {uPlot} */ plot) => Math.max(0, Math.ceil(half() - widthOf(plot.axes?.[1])));
  return { axis: { ...base, ...options, filter: (/** @type {any} */ _, /** @type {number[]} */ places) => places, size: 28 }, right: () => Math.max(12, half()), left };
}

/** px that a vertical axis takes, as uPlot computed it last; the least before. @param {any} axis */
function widthOf(axis) {
  return axis?._size ?? LEAST_WIDTH_PX;
}

/** @param {number} ms @param {number} step */
function clock(ms, step) {
  const time = new Date(ms);
  const parts = [time.getHours(), time.getMinutes(), ...(step < MINUTE ? [time.getSeconds()] : [])].map((part) => String(part).padStart(2, "0"));
  return parts.join(":") + (step < 1000 ? `.${String(time.getMilliseconds()).padStart(3, "0")}` : "");
}

/** Labels of times that uPlot chose: a clock's, and the date below the first and wherever it is another. @param {uPlot} _ @param {number[]} places @param {number} __ @param {number} ___ @param {number} step ms */
function dates(_, places, __, ___, step) {
  let before = "";
  return places.map((ms) => {
    const [date, time] = [new Date(ms).toLocaleDateString("sv"), clock(ms, step)];
    if (step >= DAY) return step >= YEAR ? date.slice(0, 4) : date;
    const isNew = date !== before;
    before = date;
    return isNew ? `${time}\n${date}` : time;
  });
}

/** The vertical axis, as wide as its labels. @param {object} base colours and lines @param {boolean} isLog */
export function vertical(base, isLog) {
  const { options } = labelled(isLog ? ticks.logarithmic : ticks.linear, (plot) => plot.height / Y_TICK_PX);
  const size = (/** @type {any} */ _, /** @type {string[] | null} */ values) => Math.max(LEAST_WIDTH_PX, Math.ceil(widest(values ?? [])) + BESIDE_LABEL_PX);
  return { ...base, ...options, size };
}

/** @param {MakeTicks} make @param {(plot: uPlot) => number} most */
function labelled(make, most) {
  /** @type {Map<number, string>} */
  let labels = new Map();
  const splits = (/** @type {uPlot} */ plot, /** @type {number} */ _, /** @type {number} */ low, /** @type {number} */ high) => {
    const made = make(low, high, Math.max(2, Math.floor(most(plot))));
    labels.clear();
    for (const { at, label } of made) labels.set(at, label);
    return made.map(({ at }) => at);
  };
  const values = (/** @type {uPlot} */ _, /** @type {number[]} */ places) => places.map((at) => labels.get(at) ?? "");
  return { options: { ...ANY_INCREMENT, font: FONT, splits, values }, labels };
}

/** Tell whether a time in ms is one that calendars have. @param {number} ms */
export function isDate(ms) {
  return ms >= FIRST_MS && ms <= LAST_MS;
}

/** @param {Curve[]} curves */
export function areDates(curves) {
  return curves.every(({ x }) => !x.length || (isDate(x[0]) && isDate(x[x.length - 1])));
}

/**
 * What of some curves their axes cannot show, as sentences.
 * @param {Curve[]} curves
 * @param {{axis: Axis, isLog: boolean, isLogX: boolean}} view
 */
export function remarks(curves, { axis, isLog, isLogX }) {
  const said = [];
  if (isLogX && curves.some(({ x }) => x[0] <= 0)) said.push("Left out by the logarithmic axis: what was reported at or before 0.");
  if (isLog && curves.some((curve) => extremes(curve).low <= 0)) said.push(ofLogarithms(curves.flatMap(({ y }) => y)));
  if (axis === "time" && !areDates(curves)) said.push("Some times are no dates when taken as milliseconds since 1970; they are shown as numbers.");
  return said;
}

/** @param {(number | null)[]} values */
function ofLogarithms(values) {
  const there = values.filter((value) => value !== null);
  const positive = there.filter((value) => /** @type {number} */ (value) > 0);
  if (!positive.length) return "A logarithmic axis shows nothing here, as no value is above zero.";
  const missing = there.length - positive.length;
  return missing ? `Left out by the logarithmic axis: ${missing.toLocaleString("en")} of ${there.length.toLocaleString("en")} points, as they are zero or negative.` : "Left out by the logarithmic axis: what the band shows of zero or negative values.";
}
