// Bounds of what the drawing library is asked to draw: it has none of its own for many things, and a browser that draws
// a million ticks, bins or bars stands still.

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("./figure.js").Trace} Trace */

/** Kinds drawn by the graphics processor, as a picture or as a summary; all others make an element of each value. */
const DENSE = /gl$|map$|3d$|^(heatmap|contour|histogram|histogram2d|histogram2dcontour|image|surface|isosurface|volume|cone|streamtube|splom|parcoords)$/;
/** Elements for each value of kinds that summarise values and draw only those far off. */
const SHARES = /** @type {Record<string, number>} */ ({ box: 0.2, violin: 0.2 });
const MAX_ELEMENTS = 20_000;
const MAX_VALUES = 1_000_000;
const MAX_TICKS = 500;
const MAX_BINS = 2000;
const MAX_LEVELS = 200;
const NO_MARKS = new Set(["customdata", "text", "hovertext", "ids", "meta", "texttemplate", "hovertemplate", "geojson"]);
const ITEM_BYTES = /** @type {Record<string, number>} */ ({ f8: 8, i8: 8, u8: 8, f4: 4, i4: 4, u4: 4, i2: 2, u2: 2 });
const AXIS = /^([xyz])axis\d*$/;

/**
 * Why a figure is not drawn unasked: what there is too much of. Empty if it is drawn.
 * @param {Figure} figure
 */
export function excess({ data, layout }) {
  const count = (/** @type {boolean} */ isDense) => data.filter(({ type }) => DENSE.test(type) === isDense).reduce((sum, trace) => sum + Math.ceil(size(trace) * (SHARES[trace.type] ?? 1)), 0);
  const elements = count(false) + size(layout.annotations) + size(layout.shapes);
  if (elements > MAX_ELEMENTS) return tooMany(elements, "elements", MAX_ELEMENTS);
  return count(true) > MAX_VALUES ? tooMany(count(true), "values", MAX_VALUES) : "";
}

/** @param {number} count @param {string} things @param {number} most */
function tooMany(count, things, most) {
  return `This plot has ${count.toLocaleString("en")} ${things}; more than ${most.toLocaleString("en")} take a browser long to draw.`;
}

/** The number of values in the longest array of a trace, nested ones and numbers in base64 included. @param {any} value @returns {number} */
export function size(value) {
  if (Array.isArray(value)) return value[0] !== null && typeof value[0] === "object" ? value.reduce((sum, item) => sum + Math.max(1, size(item)), 0) : value.length;
  if (value === null || typeof value !== "object") return 0;
  if (typeof value.bdata === "string") return Math.floor((value.bdata.length * 3) / 4 / (ITEM_BYTES[value.dtype] ?? 1));
  return Object.entries(value).reduce((most, [name, part]) => (NO_MARKS.has(name) ? most : Math.max(most, size(part))), 0);
}

/**
 * A figure whose ticks, bins and levels are left to the library where it asks for more than can be seen.
 * @param {Figure} figure
 * @returns {Figure}
 */
export function bounded(figure) {
  const layout = Object.fromEntries(Object.entries(figure.layout).map(([name, part]) => [name, part && boundedAxis(name, part, figure.data)]));
  return { ...figure, layout, data: figure.data.map(boundedTrace) };
}

/** @param {Trace} trace @returns {Trace} */
function boundedTrace(trace) {
  const bounds = /** @type {Record<string, any>} */ ({});
  for (const letter of ["x", "y"]) {
    if (trace[`nbins${letter}`] > MAX_BINS) bounds[`nbins${letter}`] = MAX_BINS;
    if (steps(trace[`${letter}bins`], trace[letter]) > MAX_BINS) bounds[`${letter}bins`] = undefined;
  }
  if (steps(trace.contours, []) > MAX_LEVELS) bounds.contours = { ...trace.contours, size: undefined, start: undefined, end: undefined };
  return { ...trace, ...bounds };
}

/** How many steps of a size there are from a start to an end, or over values without these. @param {any} range @param {any} values */
function steps(range, values) {
  if (!range || range.size === undefined) return 0;
  const span = Math.abs(place(range.end) - place(range.start));
  return (Number.isNaN(span) ? extent(values) : span) / place(range.size);
}

/** @param {string} name of a part of the layout @param {any} part @param {Trace[]} data */
function boundedAxis(name, part, data) {
  const letter = AXIS.exec(name)?.[1];
  if (!letter || typeof part !== "object") return part;
  const areMany = (/** @type {any} */ ticks) => ticks?.dtick !== undefined && !(spanOf(part, letter, data) / place(ticks.dtick) <= MAX_TICKS);
  const left = { dtick: undefined, tickmode: "auto" };
  const minor = areMany(part.minor) ? { minor: { ...part.minor, ...left } } : {};
  return { ...part, ...thinned(part), ...minor, ...(areMany(part) && left) };
}

/** Every so many of the ticks that an axis lists, if they are too many. @param {any} axis */
function thinned({ tickvals, ticktext }) {
  if (!Array.isArray(tickvals) || tickvals.length <= MAX_TICKS) return {};
  const every = Math.ceil(tickvals.length / MAX_TICKS);
  const isKept = (/** @type {any} */ _, /** @type {number} */ i) => i % every === 0;
  return { tickvals: tickvals.filter(isKept), ...(Array.isArray(ticktext) && { ticktext: ticktext.filter(isKept) }) };
}

/** How far an axis reaches, in its own units: its range, or else that of the values of all traces. @param {any} axis @param {string} letter @param {Trace[]} data */
function spanOf(axis, letter, data) {
  if (Array.isArray(axis.range)) return Math.abs(place(axis.range[1]) - place(axis.range[0]));
  return Math.max(...data.map((trace) => extent(trace[letter])), size(data));
}

/** @param {any} values @returns {number} */
function extent(values) {
  if (!Array.isArray(values)) return 0;
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    const at = place(value);
    if (at < low) low = at;
    if (at > high) high = at;
  }
  return Math.max(high - low, 0);
}

/** A number, a date in ms, or a month or power of ten as plotly writes them; NaN if it is none. @param {any} value */
function place(value) {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return NaN;
  const months = /^M(\d+)$/.exec(value);
  if (months) return Number(months[1]) * 28 * 86_400_000;
  const number = Number(value.replace(/^[LD]/, ""));
  return Number.isNaN(number) ? Date.parse(value) : number;
}
