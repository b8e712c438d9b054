// A curve as small as a word.

import { svg } from "./dom.js";

const [WIDTH, HEIGHT, EDGE] = [96, 26, 2];

/** @param {number[]} values @param {number} color */
export function sparkline(values, color) {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = (WIDTH - 2 * EDGE) / Math.max(values.length - 1, 1);
  const places = values.map((value, i) => [EDGE + i * step, HEIGHT - EDGE - ((value - low) / span) * (HEIGHT - 2 * EDGE)]);
  const line = places.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  const end = places[places.length - 1];
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMinYMid", class: `sparkline c${color}`, "aria-hidden": "true" };
  if (!end) return svg("svg", box);
  const area = `${line}L${end[0].toFixed(1)} ${HEIGHT}L${EDGE} ${HEIGHT}Z`;
  return svg("svg", box, svg("path", { d: area, class: "area" }), svg("path", { d: line }), svg("circle", { cx: end[0], cy: end[1], r: 2 }));
}
