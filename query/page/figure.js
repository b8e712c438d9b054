// A plot's text as a figure that this page's plotly draws: what Python writes is read, names of older versions are
// renamed, and each trace gets the renderer that suits its size.

import { size } from "./figurebounds.js";
import { isLoadable } from "./files.js";

/** @typedef {{type: string, [name: string]: any}} Trace */
/** @typedef {{data: Trace[], layout: Record<string, any>}} Figure */

/** Strings, to be left as they are, and the numbers that Python writes and JSON does not have. */
const STRING_OR_NOT_FINITE = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/gs;
const RENAMED = /** @type {Record<string, string>} */ ({
  choroplethmapbox: "choroplethmap",
  densitymapbox: "densitymap",
  scattermapbox: "scattermap",
  heatmapgl: "heatmap",
  pointcloud: "scattergl",
});
const LAYERS = /mapbox(?=\d*$)/;
const OLD_TITLE = /** @type {[string, string][]} */ ([["titlefont", "font"], ["titleside", "side"]]);

/** SVG takes 0.2 s for so many points, which is the time until the graphics processor's library is loaded. */
const GL_FROM_POINTS = 5000;
const GL_OF = /** @type {Record<string, string>} */ ({ scatter: "scattergl", scatterpolar: "scatterpolargl" });
const SVG_OF = Object.fromEntries(Object.entries(GL_OF).map(([svg, gl]) => [gl, svg]));
const ONLY_SVG = ["stackgroup", "groupnorm", "fillpattern", "texttemplate"];

/**
 * The figure that a text describes; null if it describes none. NaN and infinite numbers become null, which plotly
 * leaves out.
 * @param {string | undefined} text
 * @returns {Figure | null}
 */
export function parse(text) {
  const read = readJson(text ?? "");
  if (!Array.isArray(read?.data)) return null;
  const isTrace = (/** @type {any} */ trace) => trace !== null && typeof trace === "object" && !Array.isArray(trace);
  const layout = isTrace(read.layout) ? read.layout : {};
  return { data: read.data.filter(isTrace).filter(hasLoadableSource).map(renamed), layout: layoutRenamed(withLoadableImages(layout)) };
}

/** Tell whether a trace, or an image of a layout, loads no call of this host's API. @param {any} part */
function hasLoadableSource(part) {
  return [part?.source, part?.geojson].every((address) => typeof address !== "string" || isLoadable(address));
}

/** @param {any} layout */
function withLoadableImages(layout) {
  return Array.isArray(layout.images) ? { ...layout, images: layout.images.filter(hasLoadableSource) } : layout;
}

/** @param {string} text */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return readPython(text);
  }
}

/** JSON as Python writes it. @param {string} text */
function readPython(text) {
  try {
    return JSON.parse(text.replace(STRING_OR_NOT_FINITE, (found) => (found.startsWith('"') ? found : "null")));
  } catch {
    return null;
  }
}

/** A trace in the names of today. @param {any} trace @returns {Trace} */
function renamed(trace) {
  const { type = "scatter", subplot, ...rest } = withTitles(trace);
  const points = type === "pointcloud" ? { mode: "markers" } : {};
  const place = typeof subplot === "string" ? { subplot: subplot.replace(LAYERS, "map") } : {};
  return { ...points, ...rest, ...place, type: RENAMED[type] ?? String(type) };
}

/** @param {Record<string, any>} layout */
function layoutRenamed(layout) {
  return Object.fromEntries(Object.entries(withTitles(layout)).map(([name, value]) => [name.replace(LAYERS, "map"), value]));
}

/**
 * An object whose titles, at any depth, are as plotly takes them since version 3: older ones let them be texts.
 * @param {any} part
 * @returns {any}
 */
function withTitles(part) {
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  const whole = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, withTitles(value)]));
  if (typeof whole.title === "string") whole.title = { text: whole.title };
  for (const [old, name] of OLD_TITLE) {
    if (!(old in whole)) continue;
    whole.title = { [name]: whole[old], ...whole.title };
    delete whole[old];
  }
  return whole;
}

/**
 * The figure with each trace drawn by SVG or by the graphics processor, whichever suits its size.
 * @param {Figure} figure
 * @param {boolean} hasGl whether the browser has WebGL
 * @returns {Figure}
 */
export function suited(figure, hasGl) {
  const data = figure.data.map((trace) => {
    const isLarge = hasGl && size(trace) > GL_FROM_POINTS && !ONLY_SVG.some((name) => trace[name]);
    return { ...trace, type: (isLarge ? GL_OF : SVG_OF)[trace.type] ?? trace.type };
  });
  return { ...figure, data };
}
