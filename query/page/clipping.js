// The vertical range of a chart that few odd values do not decide.

/** @typedef {(number | null)[]} Values */
/** @typedef {{low: number, high: number}} Range */

/** What a curve keeps of its own points: all but the highest and the lowest hundredth. */
const [LEAST, MOST] = [0.01, 0.99];
/** How many times the middle range curves may reach beyond it. */
const REACH = 3;
/** How many times what one of two curves ranges over the other is beyond it once it diverged. */
const DIVERGED = 100;

/** The value below which such a part of sorted numbers is. @param {number[]} sorted @param {number} part */
function quantile(sorted, part) {
  return sorted[Math.round(part * (sorted.length - 1))];
}

/** @param {number[]} values */
function ordered(values) {
  return [...values].sort((a, b) => a - b);
}

/**
 * The range of curves, without the odd points of each and without the curves that, fewer than half of them, reach far
 * beyond the others, as a diverged run does. Null of curves without a value.
 * @param {Values[]} curves as they are drawn: logarithms on a logarithmic axis
 * @returns {[number, number] | null}
 */
export function clipped(curves) {
  const sorted = curves.map((values) => ordered(/** @type {number[]} */ (values.filter((value) => value !== null)))).filter(({ length }) => length);
  if (!sorted.length) return null;
  const ranges = sorted.map((values) => ({ low: quantile(values, LEAST), high: quantile(values, MOST) })).sort((one, other) => one.high - other.high);
  const usual = ranges[(ranges.length - 1) >> 1];
  const span = ranges.length > 2 ? reach(ranges, usual.high) : reachOfTwo(ranges);
  const within = ranges.filter(({ low, high }) => low >= usual.low - span && high <= usual.high + span);
  return [Math.min(usual.low, ...within.map(({ low }) => low)), Math.max(usual.high, ...within.map(({ high }) => high))];
}

/** How far curves may reach beyond the usual one: by how much most of them range over, or are apart. @param {Range[]} ranges @param {number} middle */
function reach(ranges, middle) {
  const widths = ordered(ranges.map(({ low, high }) => high - low));
  const distances = ordered(ranges.map(({ high }) => Math.abs(high - middle)));
  return REACH * Math.max(quantile(widths, 0.5), quantile(distances, 0.5));
}

/** The higher of two is odd only if it ranges over far more than the other: not if it is merely elsewhere. @param {Range[]} ranges by their upper ends */
function reachOfTwo([lower, higher = lower]) {
  const [width, gap] = [lower.high - lower.low, higher.high - lower.high];
  return gap > DIVERGED * width && higher.high - higher.low >= gap / 2 ? REACH * width : Infinity;
}
