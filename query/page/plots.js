// A task's plots, the newest of each. The drawing library is loaded only here, and the part of it that draws in space
// only for a plot in space; tables are drawn as tables.

import { call, describe, isAbort } from "./api.js";
import { isLoadable } from "./files.js";
import { h, notice, replace } from "./dom.js";
import * as format from "./format.js";
import { throttled } from "./live.js";

/** @typedef {{metric: string, variant: string, iter: number, plot_str?: string}} Plot */

const REFRESH_MS = 5000;
const IN_SPACE = /3d$|^(surface|isosurface|volume|cone|streamtube)$/;
const CONFIG = { displaylogo: false, responsive: true, showTips: false, plotlyServerURL: "" };
const CAMERA = { eye: { x: 1.5, y: 1.5, z: 1.1 }, center: { x: 0, y: 0, z: -0.15 } };

/** By the name of the part. @type {Map<string, Promise<any>>} */
const libraries = new Map();
let areStylesProperties = false;

/** @type {import("./task.js").ShowTab} */
export function plots(root, id, signal) {
  /** @type {Map<string, {text: string, card: HTMLElement}>} */
  const cards = new Map();
  const state = h("div", {}, notice("Reading plots …"));
  const grid = h("div", { class: "plots" });
  replace(root, h("section", { "aria-label": "Plots" }, state, grid));
  const read = async () => {
    try {
      const answer = await call("events.get_task_plots", { task: id, iters: 1 }, { signal });
      replace(state, answer.plots.length ? null : notice("No plots yet. They appear here as they are reported."));
      for (const plot of answer.plots) show(grid, cards, plot);
    } catch (error) {
      if (!isAbort(error)) replace(state, notice(describe(error), true));
    }
  };
  const refresh = throttled(REFRESH_MS, read, signal);
  addEventListener("theme", () => (cards.clear(), grid.replaceChildren(), read()), { signal });
  refresh();
  return { change: (types) => types.includes("plot") && refresh(), again: refresh };
}

/**
 * @param {HTMLElement} grid
 * @param {Map<string, {text: string, card: HTMLElement}>} cards
 * @param {Plot} plot
 */
function show(grid, cards, plot) {
  const [key, text] = [`${plot.metric}\n${plot.variant}`, `${plot.iter} ${plot.plot_str}`];
  const known = cards.get(key);
  if (known?.text === text) return;
  const name = plot.variant && plot.variant !== plot.metric ? `${plot.metric} / ${plot.variant}` : plot.metric;
  const body = h("div", { class: "plot" });
  const card = h("article", { class: "card", "aria-label": name }, h("header", {}, h("h3", { title: name }, name), h("span", { class: "about" }, `iteration ${format.number(plot.iter)}`)), body);
  if (known) known.card.replaceWith(card);
  else grid.append(card);
  cards.set(key, { text, card });
  draw(body, plot).catch((error) => replace(body, notice(describe(error), true)));
}

/** @param {HTMLElement} body @param {Plot} plot */
async function draw(body, plot) {
  const figure = parsed(plot.plot_str);
  if (!figure) return replace(body, notice("This plot is not a plotly figure."));
  const tables = figure.data.filter((/** @type {any} */ trace) => trace?.type === "table");
  const others = figure.data.filter((/** @type {any} */ trace) => trace?.type !== "table");
  replace(body, tables.map(table));
  if (!others.length && !figure.layout.images) return;
  const plotly = await loaded(others.some(({ type }) => IN_SPACE.test(type)) ? "gl3d" : "cartesian");
  const place = h("div", { class: "figure" });
  body.append(place);
  const known = new Set(Object.keys(plotly.PlotSchema.get().traces));
  const unknown = others.filter(({ type = "scatter" }) => !known.has(type));
  if (unknown.length) body.append(notice(`This page does not draw ${unknown.map(({ type }) => type).join(", ")}.`));
  if (unknown.length < others.length || figure.layout.images) await plotly.newPlot(place, others.filter((trace) => !unknown.includes(trace)), layoutOf(figure.layout), configuration());
  else place.remove();
}

/** Without a mouse the buttons would lie over the plot for ever; fingers zoom, and two taps reset. */
function configuration() {
  return matchMedia("(hover: none)").matches ? { ...CONFIG, displayModeBar: false } : CONFIG;
}

/** @param {string | undefined} text @returns {{data: any[], layout: any} | null} */
function parsed(text) {
  try {
    const { data, layout } = JSON.parse(text ?? "");
    return Array.isArray(data) ? { data: data.filter(hasLoadableSource), layout: withLoadableImages(layout ?? {}) } : null;
  } catch {
    return null;
  }
}

/** Whether a trace, or an image of a layout, loads no call of this host's API. @param {any} part */
function hasLoadableSource(part) {
  return typeof part?.source !== "string" || isLoadable(part.source);
}

/** @param {any} layout */
function withLoadableImages(layout) {
  return Array.isArray(layout.images) ? { ...layout, images: layout.images.filter(hasLoadableSource) } : layout;
}

/**
 * Titles as the library takes them: older ones let them be texts.
 * @param {any} part of a layout
 */
function titled(part) {
  return typeof part?.title === "string" ? { ...part, title: { text: part.title } } : part;
}

/** The plot's own layout, in the page's colours where it has none. @param {any} layout */
function layoutOf(layout) {
  const style = getComputedStyle(document.documentElement);
  const [ink, grid, muted] = ["--ink", "--grid", "--muted"].map((name) => style.getPropertyValue(name).trim());
  const axis = { gridcolor: grid, zerolinecolor: grid, automargin: true };
  const colorway = Array.from({ length: 12 }, (_, i) => style.getPropertyValue(`--c${i}`).trim());
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    colorway,
    margin: { l: 50, r: 20, t: 40, b: 40 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: ink },
    ...titled(layout),
    template: {},
    font: { ...layout.font, color: ink, family: "system-ui, sans-serif", size: 12 },
    xaxis: { ...axis, ...titled(layout.xaxis) },
    yaxis: { ...axis, ...titled(layout.yaxis) },
    scene: sceneOf(layout.scene, axis),
    width: undefined,
    height: undefined,
    autosize: true,
  };
}

/** The axes in space. @param {any} scene @param {any} axis */
function sceneOf(scene, axis) {
  const axes = ["xaxis", "yaxis", "zaxis"].map((name) => [name, { ...axis, automargin: undefined, ...titled(scene?.[name]) }]);
  return { camera: CAMERA, ...scene, ...Object.fromEntries(axes) };
}

/** @param {any} trace */
function table(trace) {
  const columns = /** @type {any[][]} */ (trace.cells?.values ?? []);
  const isNumber = columns.map((column) => column?.every?.((value) => typeof value === "number"));
  const kind = (/** @type {number} */ i) => (isNumber[i] ? { class: "number" } : {});
  const heads = /** @type {any[]} */ (trace.header?.values ?? []).map((head, i) => h("th", { scope: "col", ...kind(i) }, [head].flat().join(" ")));
  const count = Math.max(0, ...columns.map((column) => column?.length ?? 0));
  const cell = (/** @type {any} */ value) => (typeof value === "number" ? format.number(value) : String(value ?? ""));
  const rows = Array.from({ length: count }, (_, i) => h("tr", {}, ...columns.map((column, j) => h("td", kind(j), cell(column?.[i])))));
  return h("div", { class: "scrolled" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows)));
}

/** The library sets styles as attributes, which the page's policy forbids; as properties they may be set. */
function setStylesAsProperties() {
  if (areStylesProperties) return;
  areStylesProperties = true;
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (/** @type {string} */ name, /** @type {string} */ value) {
    if (name === "style" && "style" in this) /** @type {HTMLElement} */ (this).style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}

/** @param {"cartesian" | "gl3d"} part @returns {Promise<any>} */
function loaded(part) {
  const known = libraries.get(part);
  if (known) return known;
  setStylesAsProperties();
  const loading = new Promise((done, fail) => {
    const script = h("script", { src: new URL(`vendor/plotly/plotly-${part}.min.js`, import.meta.url).href });
    script.addEventListener("load", () => done(/** @type {any} */ (globalThis).Plotly));
    script.addEventListener("error", () => (libraries.delete(part), fail(new Error("The drawing library cannot be loaded."))));
    document.head.append(script);
  });
  libraries.set(part, loading);
  return loading;
}
