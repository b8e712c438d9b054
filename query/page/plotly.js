// The library that draws figures, loaded when the first is drawn. Browsers have but few WebGL contexts, so figures that
// nobody points at give theirs back and stay as pictures.

import { h } from "./dom.js";
import { configuration, layoutOf } from "./figurelayout.js";

/** @typedef {import("./figure.js").Figure} Figure */

/** 0.5 MB compressed and ready in half the time of the whole library, which has 1.6 MB. */
const SMALL = "vendor/plotly/plotly-cartesian.min.js";
const WHOLE = "vendor/plotly/plotly-strict.min.js";
const IN_SMALL = new Set(["bar", "box", "contour", "heatmap", "histogram", "histogram2d", "histogram2dcontour", "image", "pie", "scatter", "scatterternary", "violin"]);
/** What the whole library looks for before it sets a style of its own, which the page's policy forbids. */
const MAP_STYLE = { id: "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53", path: "vendor/plotly/maplibre.css" };
/** Chromium takes the oldest away beyond 16, and the next figure has up to 4 before others give theirs back. */
const MAX_CONTEXTS = 12;
const GL_CANVAS = ".gl-container canvas, .maplibregl-map canvas";

/** By the address of the script. @type {Map<string, Promise<any>>} */
const libraries = new Map();
/** The library that drew the figure in an element. @type {WeakMap<HTMLElement, any>} */
const drawnBy = new WeakMap();
/** Figures with WebGL contexts; the one that was drawn or pointed at last is the last. @type {Map<HTMLElement, Figure>} */
const live = new Map();
/** The end of the last drawing. @type {Promise<void>} */
let drawing = Promise.resolve();
let areStylesProperties = false;
/** @type {boolean | undefined} */
let isGlThere;

/** Tell whether this browser has WebGL. */
export function hasGl() {
  isGlThere ??= release(h("canvas"));
  return isGlThere;
}

/**
 * Kinds of traces in a figure that the library does not know, and would draw as lines.
 * @param {Figure} figure
 */
export async function unknownKinds(figure) {
  const others = figure.data.map(({ type }) => type).filter((type) => !IN_SMALL.has(type));
  if (!others.length) return [];
  const kinds = (await library(figure)).PlotSchema.get().traces;
  return others.filter((type) => !Object.hasOwn(kinds, type));
}

/**
 * Draw a figure in an element of the document, in place of what is there, once those asked for before are drawn.
 * Rejects with the library's error.
 * @param {HTMLElement} place
 * @param {Figure} figure
 */
export function draw(place, figure) {
  const turn = drawing.then(() => drawNow(place, figure));
  drawing = turn.catch(() => undefined);
  return turn;
}

/** @param {HTMLElement} place @param {Figure} figure */
async function drawNow(place, figure) {
  const plotly = await library(figure);
  if (!place.isConnected) return;
  erase(place);
  drawnBy.set(place, plotly);
  await plotly.newPlot(place, { ...figure, layout: layoutOf(figure.layout), config: configuration() });
  if (!contexts(place)) return;
  await twoFrames();
  if (place.isConnected) keep(place, figure);
  else erase(place);
}

/** Take a figure away, and give back what it has of the browser. @param {HTMLElement} place */
export function erase(place) {
  const canvases = /** @type {HTMLCanvasElement[]} */ ([...place.querySelectorAll(GL_CANVAS)]);
  live.delete(place);
  drawnBy.get(place)?.purge(place);
  drawnBy.delete(place);
  canvases.forEach(release);
  place.replaceChildren();
  place.classList.remove("is-picture");
}

/** Tell whether a figure was made a picture, as others needed what it had of the browser. @param {HTMLElement} place */
export function isPicture(place) {
  return place.classList.contains("is-picture");
}

/** Give the WebGL context of a canvas back. False if it has none and gets none. @param {HTMLCanvasElement} canvas */
function release(canvas) {
  const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(context);
}

/** @param {HTMLElement} place */
function contexts(place) {
  return place.querySelectorAll(GL_CANVAS).length;
}

/** Let a figure have its WebGL contexts, and take those of others while there are too many. @param {HTMLElement} place @param {Figure} figure */
function keep(place, figure) {
  live.delete(place);
  live.set(place, figure);
  let count = [...live.keys()].reduce((sum, each) => sum + contexts(each), 0);
  for (const other of [...live.keys()]) {
    if (count <= MAX_CONTEXTS || other === place) break;
    count -= contexts(other);
    freeze(other, /** @type {Figure} */ (live.get(other)));
  }
}

/** Make a picture of a figure, which has no WebGL context, until somebody points at it. @param {HTMLElement} place @param {Figure} figure */
function freeze(place, figure) {
  const picture = /** @type {HTMLElement} */ (place.cloneNode(true));
  const copies = picture.querySelectorAll("canvas");
  redrawSpaces(place);
  place.querySelectorAll("canvas").forEach((canvas, i) => canvas.width && canvas.height && copies[i].getContext("2d")?.drawImage(canvas, 0, 0));
  erase(place);
  place.append(...picture.childNodes);
  place.classList.add("is-picture");
  const revive = () => isPicture(place) && draw(place, figure);
  for (const event of ["pointerenter", "pointerdown"]) place.addEventListener(event, revive, { once: true });
}

/** Wait until what is drawn in space has been drawn. */
async function twoFrames() {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
}

/** Draw plots in space and maps again at once: their canvases are empty after a frame. @param {any} place */
function redrawSpaces(place) {
  for (const part of Object.values(place._fullLayout ?? {})) {
    part?._scene?.glplot?.redraw();
    part?._subplot?.map?.redraw();
  }
}

/** The library that draws a figure: the small one, unless the whole one is needed or there anyway. @param {Figure} figure */
function library({ data }) {
  const isSmall = !libraries.has(WHOLE) && data.every(({ type }) => IN_SMALL.has(type));
  return loaded(isSmall ? SMALL : WHOLE);
}

/** @param {string} path @returns {Promise<any>} */
function loaded(path) {
  const begun = libraries.get(path);
  if (begun) return begun;
  setStylesAsProperties();
  if (path === WHOLE) document.head.append(h("link", { id: MAP_STYLE.id, rel: "stylesheet", href: here(MAP_STYLE.path) }));
  const loading = new Promise((done, fail) => {
    const script = h("script", { src: here(path) });
    script.addEventListener("load", () => done(/** @type {any} */ (globalThis).Plotly));
    script.addEventListener("error", () => (libraries.delete(path), fail(new Error("The drawing library cannot be loaded."))));
    document.head.append(script);
  });
  libraries.set(path, loading);
  return loading;
}

/** @param {string} path beside this module */
function here(path) {
  return new URL(path, import.meta.url).href;
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
