// Where the lines of an axis are and what stands beside them. There are never more than asked for, and no two labels
// are alike: each has as many digits as its step needs.

import * as format from "./format.js";

/** @typedef {{at: number, label: string}} Tick `at`: on the axis, which for logarithms is an exponent of ten */

const STEPS = [1, 2, 2.5, 5, 10];
/** Relative: below it 15 digits, which are what a decimal number of 64 bits has, do not tell values apart. */
const LEAST_STEP = 1e-13;
const [PLAIN_BELOW, PLAIN_FROM, LEAST_PLAIN_STEP, MAX_DECIMALS] = [1e12, 1e-3, 1e-4, 9];
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
const TIME_STEPS = [...[1, 2, 5, 10, 15, 30].flatMap((n) => [n * SECOND, n * MINUTE]), ...[1, 2, 3, 6, 12].map((n) => n * HOUR)].sort((a, b) => a - b);

/**
 * Ticks at multiples of 1, 2, 2.5 or 5 times a power of ten.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @param {(value: number, step: number) => string} [label]
 * @returns {Tick[]}
 */
export function linear(low, high, most, label = number) {
  return multiples(low, high, roundStep(low, high, most), label);
}

/** Ticks at whole numbers. @param {number} low @param {number} high @param {number} most */
export function iterations(low, high, most) {
  const step = Math.max(1, roundStep(low, high, most));
  return multiples(low, high, step === 2.5 ? 5 : step, iteration);
}

/** Ticks of a duration in ms. @param {number} low @param {number} high @param {number} most */
export function durations(low, high, most) {
  const wanted = (high - low) / most;
  const short = Math.max(1, roundStep(low, high, most));
  const long = TIME_STEPS.find((each) => each >= wanted) ?? DAY * roundStep(low / DAY, high / DAY, most);
  return multiples(low, high, wanted < SECOND ? short : long, duration);
}

/**
 * Ticks between two powers of ten, at powers of ten if there are enough of them.
 * @param {number} low exponent
 * @param {number} high exponent
 * @param {number} most
 * @returns {Tick[]}
 */
export function logarithmic(low, high, most) {
  const decades = Math.floor(high) - Math.ceil(low) + 1;
  if (decades >= 3) return multiples(low, high, Math.max(1, Math.ceil(roundStep(low, high, most))), (exponent) => power(exponent, 1));
  const values = linear(10 ** low, 10 ** high, most).map(({ at, label }) => ({ at: Math.log10(at), label }));
  const fine = [1, 2, 5].flatMap((digit) => multiples(low - Math.log10(digit), high - Math.log10(digit), 1, (exponent) => power(exponent, digit)).map(({ at, label }) => ({ at: at + Math.log10(digit), label })));
  return decades >= 1 && fine.length >= 3 ? fine.sort((a, b) => a.at - b.at) : values.filter(({ at }) => Number.isFinite(at));
}

/** @param {number} low @param {number} high @param {number} step @param {(value: number, step: number) => string} label */
function multiples(low, high, step, label) {
  const first = Math.ceil(low / step);
  const count = Math.min(Math.floor(high / step) - first + 1, 100);
  const ticks = Array.from({ length: Math.max(0, count) || 0 }, (_, i) => Number(((first + i) * step).toPrecision(15)));
  return [...new Set(ticks)].map((at) => ({ at, label: label(at, step) }));
}

/** The least round step that makes no more than so many ticks. @param {number} low @param {number} high @param {number} most */
function roundStep(low, high, most) {
  const least = Math.max((high - low) / Math.max(most, 1), Math.max(Math.abs(low), Math.abs(high)) * LEAST_STEP, Number.MIN_VALUE);
  const exponent = Math.floor(Math.log10(least));
  const digit = STEPS.find((each) => Number(`${each}e${exponent}`) >= least) ?? 10;
  return Number(`${digit}e${exponent}`);
}

/** Decimals that tell multiples of a step apart. @param {number} step */
function decimals(step) {
  const [digits, exponent] = step.toExponential().split("e");
  return Math.max(0, (digits.split(".")[1]?.length ?? 0) - Number(exponent));
}

/**
 * A value with the digits that tell it from those a step beside it.
 * @param {number} value
 * @param {number} step
 */
export function number(value, step) {
  const [size, places] = [Math.abs(value), decimals(step)];
  const isSmall = step < LEAST_PLAIN_STEP && size < PLAIN_FROM;
  const isShort = size >= 1e7 && step >= size / 1000;
  const isPlain = value === 0 || (size < PLAIN_BELOW && places <= MAX_DECIMALS && !isSmall && !isShort);
  if (isPlain) return value.toLocaleString("en", { maximumFractionDigits: Math.min(places, MAX_DECIMALS) });
  return exponential(value, Math.floor(Math.log10(size)) - Math.floor(Math.log10(step)) + 1);
}

/** @param {number} value @param {number} digits after the first */
function exponential(value, digits) {
  return value.toExponential(Math.min(Math.max(digits, 0), 20)).replace(/\.?0+e/, "e");
}

/** @param {number} value @param {number} step */
function iteration(value, step) {
  const size = Math.abs(value);
  const short = (/** @type {number} */ unit, /** @type {string} */ sign) => `${(value / unit).toLocaleString("en", { maximumFractionDigits: 3 })} ${sign}`;
  if (size >= 1e6 && size < 1e10 && decimals(step / 1e6) <= 3) return short(1e6, "M");
  return size >= 1e4 && size < 1e6 && decimals(step / 1e3) <= 1 ? short(1e3, "k") : number(value, step);
}

/** @param {number} ms @param {number} step */
function duration(ms, step) {
  if (Math.abs(ms) >= 1e6 * DAY) return `${number(ms / DAY, step / DAY)} d`;
  const sign = ms < 0 ? "−" : "";
  const parts = [DAY, HOUR, MINUTE].map((unit, i) => Math.floor((Math.abs(ms) % [Infinity, DAY, HOUR][i]) / unit));
  const seconds = ((Math.abs(ms) % MINUTE) / SECOND).toLocaleString("en", { maximumFractionDigits: decimals(step / SECOND) });
  const texts = [...parts.map((count, i) => (count ? `${count} ${["d", "h", "min"][i]}` : "")), seconds === "0" ? "" : `${seconds} s`];
  return sign + (texts.filter(Boolean).join(" ") || "0 s");
}

/** @param {number} exponent @param {number} digit */
function power(exponent, digit) {
  return exponent >= -3 && exponent < 7 ? format.number(Number(`${digit}e${exponent}`)) : `${digit}e${exponent < 0 ? "" : "+"}${exponent}`;
}
