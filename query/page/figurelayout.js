// How figures look on this page: its colours where a figure has none of its own, its size, and no network.

const FONT = "system-ui, sans-serif";
const CLEAR = "rgba(0,0,0,0)";
const CAMERA = { eye: { x: 1.5, y: 1.5, z: 1.1 }, center: { x: 0, y: 0, z: -0.15 } };
const COLORS = 12;
/** A figure that brings its own background was made for dark ink. */
const INK_ON_OWN = "#2a3f5f";
const TOPOJSON = new URL("vendor/plotly/topojson/", import.meta.url).href;
/** A map of nothing but the data. */
const NO_TILES = { version: 8, sources: {}, layers: [] };
const IS_MAP = /^map\d*$/;
const IS_GEO = /^geo\d*$/;

/** Without a mouse the buttons would lie over the plot for ever; fingers zoom, and two taps reset. */
export function configuration() {
  const hasMouse = !matchMedia("(hover: none)").matches;
  return { displaylogo: false, responsive: true, showTips: false, plotlyServerURL: "", topojsonURL: TOPOJSON, ...(!hasMouse && { displayModeBar: false }) };
}

/**
 * A figure's layout as this page draws it.
 * @param {Record<string, any>} layout
 */
export function layoutOf(layout) {
  const colors = paletteOf(layout);
  return {
    margin: { l: 50, r: 20, t: layout.title ? 56 : 20, b: 40 },
    modebar: { bgcolor: CLEAR, color: colors.muted, activecolor: colors.ink },
    ...Object.fromEntries(Object.entries(layout).map(([name, part]) => [name, offline(name, part)])),
    template: { layout: templateOf(colors) },
    font: { size: 12, ...layout.font, color: colors.ink, family: FONT },
    width: undefined,
    height: undefined,
    autosize: true,
  };
}

/** @param {Record<string, any>} layout */
function paletteOf(layout) {
  const style = getComputedStyle(document.documentElement);
  const [ink, grid, muted, surface] = ["--ink", "--grid", "--muted", "--surface"].map((name) => style.getPropertyValue(name).trim());
  const colorway = Array.from({ length: COLORS }, (_, i) => style.getPropertyValue(`--c${i}`).trim());
  const own = layout.paper_bgcolor ? { ink: layout.font?.color ?? INK_ON_OWN, grid: "#dfe4ea" } : {};
  return { ink, grid, muted, surface, colorway, ...own };
}

/**
 * What every kind of figure takes for itself unless it says otherwise.
 * @param {ReturnType<typeof paletteOf>} colors
 */
function templateOf({ ink, grid, surface, colorway }) {
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true };
  const { automargin: _, ...inner } = axis;
  return {
    colorway,
    paper_bgcolor: surface, // kinds that choose a contrast look at it
    plot_bgcolor: surface,
    hoverlabel: { font: { family: FONT } },
    xaxis: axis,
    yaxis: axis,
    scene: { camera: CAMERA, xaxis: inner, yaxis: inner, zaxis: inner },
    polar: { bgcolor: CLEAR, radialaxis: inner, angularaxis: inner },
    smith: { bgcolor: CLEAR, realaxis: { gridcolor: grid }, imaginaryaxis: { gridcolor: grid } },
    ternary: { bgcolor: CLEAR, ...Object.fromEntries(["aaxis", "baxis", "caxis"].map((name) => [name, { gridcolor: grid, linecolor: ink }])) },
    map: { style: NO_TILES },
    geo: { bgcolor: CLEAR, landcolor: grid, showland: true, lakecolor: surface, coastlinecolor: ink, framecolor: grid, subunitcolor: grid, countrycolor: surface },
  };
}

/**
 * A part of a layout, without what only the network has.
 * @param {string} name
 * @param {any} part
 */
function offline(name, part) {
  if (part === null || typeof part !== "object") return part;
  if (IS_MAP.test(name)) return { ...part, style: NO_TILES, layers: undefined };
  return IS_GEO.test(name) ? { ...part, resolution: 110 } : part;
}
