// What tells curves apart: twelve colours, and beyond them dashes.

import { h } from "./dom.js";

export const COLORS = 12;
/** px of line and gap, of the first twelve curves, the second, and so on. */
const DASHES = [[], [8, 4], [2, 3], [12, 4, 2, 4], [5, 2], [2, 6], [14, 3], [8, 3, 2, 3, 2, 3], [4, 8]];

/** The dashes of a curve, as uPlot takes them. @param {number} index */
export function dash(index) {
  return DASHES[Math.floor(index / COLORS) % DASHES.length];
}

/** The name of its colour. @param {number} index */
export function color(index) {
  return `--c${index % COLORS}`;
}

/** What stands beside its name. @param {number} index */
export function swatch(index) {
  const [line = 0, gap = 0] = dash(index);
  const dashes = line ? { dash: `${Math.min(line, 9)}px`, gap: `${gap}px` } : {};
  return h("span", { class: line ? "swatch dashed" : "swatch", vars: { color: `var(${color(index)})`, ...dashes } });
}
