// The curves of groups of compared tasks: a line of means, and a band of how far the tasks of a group are apart.

import { call, describe, isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import { curveKey, curveTitle } from "./names.js";
import * as route from "./route.js";
import { differing } from "./traits.js";

/** @typedef {import("./curves.js").Curve} Curve */
/** @typedef {import("./traits.js").Group} Group */
/** @typedef {{ids: string[], names: Map<string, string>, hidden: Set<string>, signal: AbortSignal}} Compared */
/** @typedef {{x: number[], mean: number[], std: number[], min: number[], max: number[], quantiles: number[][], tasks: number}} Band */

const QUANTILES = [0.25, 0.75];
/** What a band reaches from and to, by its name in the address; the first is the default. @type {Record<string, {label: string, ends: (band: Band) => [number[], number[]]}>} */
const KINDS = {
  std: { label: "± standard deviation", ends: ({ mean, std }) => [mean.map((value, i) => value - std[i]), mean.map((value, i) => value + std[i])] },
  minmax: { label: "minimum to maximum", ends: ({ min, max }) => [min, max] },
  quartiles: { label: "quartiles (25 % to 75 %)", ends: ({ quantiles }) => [quantiles[0], quantiles[1]] },
};

/** The switch that was used last: what is shown anew must not take the focus of a keyboard away. */
let used = "";

/** The kind of band that the address names. */
function kindOfAddress() {
  const named = route.param("band");
  return Object.hasOwn(KINDS, named) ? named : "std";
}

/**
 * What groups are made by, and what their bands show; changes are in the address, and everything is shown anew.
 * @param {Compared} compared
 * @param {Promise<import("./traits.js").Traits>} traits
 */
export function groupControls({ ids }, traits) {
  const element = h("div", { class: "choices grouping" });
  const changed = (/** @type {Record<string, string>} */ changes) => {
    used = Object.keys(changes)[0];
    route.remember(changes);
    dispatchEvent(new Event("hashchange"));
  };
  const fill = (/** @type {string[]} */ names) => {
    const by = route.param("group");
    const all = by && !names.includes(by) ? [by, ...names] : names;
    const options = all.map((name) => h("option", { value: name, selected: name === by }, name));
    const select = h("select", { onchange: () => changed({ group: select.value }) }, h("option", { value: "" }, "Nothing"), options);
    const kinds = Object.entries(KINDS).map(([kind, { label }]) => h("option", { value: kind, selected: kind === kindOfAddress() }, label));
    const band = h("select", { onchange: () => changed({ band: band.value === "std" ? "" : band.value }) }, kinds);
    replace(element, h("label", {}, "Group by ", select), by ? h("label", {}, "Band ", band) : null, by ? h("span", { class: "about" }, "Lines are means of the tasks that are switched on.") : null);
    const switches = /** @type {Record<string, HTMLElement>} */ ({ group: select, band });
    switches[used]?.focus({ preventScroll: true });
    used = "";
  };
  traits.then((found) => fill(differing(found, ids)), (error) => isAbort(error) || replace(element, notice(describe(error), true)));
  return element;
}

/**
 * Charts of groups: one request for each chart near the window, however many tasks there are.
 * @param {Compared} compared
 * @param {string} by name of the trait
 * @param {Group[]} groups
 * @returns {import("./board.js").Source}
 */
export function bandSource({ ids, names, hidden, signal }, by, groups) {
  /** @type {Map<string, {metric: string, variant: string}>} */
  const charts = new Map();
  const label = by.split("/").slice(1).join("/") || by;
  const kind = KINDS[kindOfAddress()];
  const unseen = route.listed("hidegroup");
  const curvesOf = async (/** @type {string} */ chart, /** @type {import("./board.js").Wish} */ wish, /** @type {AbortSignal} */ stop) => {
    const shown = groups.map(({ value, ids: all }) => ({ value, ids: all.filter((id) => !hidden.has(id)) })).filter((group) => group.ids.length);
    if (!shown.length) return [];
    const range = wish.range && { x_min: Math.floor(wish.range[0]), x_max: Math.ceil(wish.range[1]) };
    const body = { ...charts.get(chart), ...range, groups: shown.map((group) => group.ids), samples: wish.samples, quantiles: QUANTILES };
    const { groups: bands } = await call("events.scalar_metrics_bands", body, { signal: stop });
    return shown.map(({ value }, i) => curveOf(chart, value, `${label} ${value} (${bands[i].tasks})`, bands[i], kind.ends)).filter(({ x }) => x.length);
  };
  return {
    group: "compare",
    signal,
    axes: ["iter"],
    isSorted: true,
    atOnce: 0,
    title: (chart) => curveTitle(charts.get(chart)?.metric ?? chart, charts.get(chart)?.variant ?? ""),
    color: ({ series }) => groups.findIndex(({ value }) => value === series),
    isHidden: ({ series }) => unseen.has(series),
    toggle: ({ series }, isOnly) => {
      const others = groups.map(({ value }) => value).filter((value) => value !== series);
      const wasOnly = isOnly && !unseen.has(series) && others.every((value) => unseen.has(value));
      if (isOnly) for (const value of [series, ...others]) unseen[wasOnly || value === series ? "delete" : "add"](value);
      else if (!unseen.delete(series)) unseen.add(series);
      route.rememberList("hidegroup", unseen);
    },
    reported: (chart) => ids.map((task) => ({ task, name: names.get(task) ?? "", metric: charts.get(chart)?.metric ?? chart, variants: [charts.get(chart)?.variant ?? ""] })),
    origin: () => 0,
    latest: async () => new Map(),
    names: async (stop) => {
      const { metrics } = await call("events.get_multi_task_metrics", { tasks: ids, event_type: "training_stats_scalar" }, { signal: stop });
      for (const { metric, variants } of metrics) for (const variant of variants) charts.set(curveKey(metric, variant), { metric, variant });
      return new Map([...charts.keys()].map((chart) => [chart, []]));
    },
    load: async (wish, stop) => (await Promise.all((wish.charts ?? [...charts.keys()]).map((chart) => curvesOf(chart, wish, stop)))).flat(),
  };
}

/** @param {string} chart @param {string} series @param {string} name @param {Band} band @param {(band: Band) => [number[], number[]]} ends @returns {Curve} */
function curveOf(chart, series, name, band, ends) {
  const [low, high] = ends(band);
  return { chart, series, name, x: band.x, y: band.mean, low, high, last: band.mean.at(-1) };
}
