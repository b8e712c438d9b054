// Curves as the server gives them, the points that arrive later, and what is made of them for drawing.

/** @typedef {import("./live.js").NewPoints} NewPoints */
/** @typedef {"iter" | "time" | "relative"} Axis */

/**
 * One curve: `low` and `high` are the range of the values that became one point, where the server tells them; `last`
 * is the value of the last point of all, where it was asked for.
 * @typedef {{
 *   chart: string, series: string, name: string, last?: number,
 *   x: number[], y: (number | null)[], low: (number | null)[] | null, high: (number | null)[] | null,
 * }} Curve
 */

/**
 * Put new points at the end of a curve. False if they belong elsewhere: then the curve must be read again.
 * @param {Curve} curve
 * @param {NewPoints} points
 * @param {Axis} axis
 */
export function extend(curve, points, axis) {
  const places = axis === "iter" ? points.x : points.t;
  let isInOrder = true;
  for (let i = 0; i < places.length; i++) {
    const last = curve.x[curve.x.length - 1] ?? -Infinity;
    if (places[i] > last) {
      curve.x.push(places[i]);
      curve.y.push(points.y[i]);
      curve.low?.push(points.y_min[i]);
      curve.high?.push(points.y_max[i]);
      curve.last = points.y_last[i];
    } else if (places[i] !== last || points.y[i] !== curve.y[curve.y.length - 1]) {
      isInOrder = false;
    }
  }
  return isInOrder;
}

/**
 * An exponential moving average that starts without bias; `weight` (0 to 1) of what came before.
 * @param {(number | null)[]} values
 * @param {number} weight
 */
export function smooth(values, weight) {
  let sum = 0;
  let norm = 1;
  return values.map((value) => {
    if (value === null) return null;
    sum = sum * weight + (1 - weight) * value;
    norm *= weight;
    return sum / (1 - norm);
  });
}

/**
 * What the values of a curve range over.
 * @param {Curve} curve
 */
export function extremes(curve) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of curve.low ?? curve.y) if (value !== null && value < low) low = value;
  for (const value of curve.high ?? curve.y) if (value !== null && value > high) high = value;
  return { low, high, last: curve.last ?? (endsInBucket(curve) ? null : (curve.y.findLast((value) => value !== null) ?? null)) };
}

/** Whether the last point stands for several, so that its value is a mean. @param {Curve} curve */
export function endsInBucket({ low, high }) {
  return low !== null && high !== null && low[low.length - 1] !== high[high.length - 1];
}
