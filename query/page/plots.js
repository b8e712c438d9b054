// A task's plots, the newest of each, drawn as they come near what is seen.

import { call, describe, isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import { throttled } from "./live.js";
import { PlotCard } from "./plotcard.js";

/** @typedef {import("./plotcard.js").Plot} Plot */

const REFRESH_MS = 5000;

/** @type {import("./task.js").ShowTab} */
export function plots(root, id, signal) {
  /** @type {Map<string, PlotCard>} */
  const cards = new Map();
  const state = h("div", {}, notice("Reading plots …"));
  const grid = h("div", { class: "plots" });
  replace(root, h("section", { "aria-label": "Plots" }, state, grid));
  const near = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => byElement(cards, target)?.approach(isIntersecting)), { rootMargin: "300px" });
  const show = (/** @type {Plot[]} */ plots) => {
    const names = new Set(plots.map(keyOf));
    for (const [key, card] of cards) if (!names.has(key)) (card.destroy(), card.element.remove(), cards.delete(key));
    for (const plot of plots) {
      const known = cards.get(keyOf(plot));
      if (known) known.update(plot);
      else add(plot);
    }
  };
  const add = (/** @type {Plot} */ plot) => {
    const card = new PlotCard(plot);
    cards.set(keyOf(plot), card);
    grid.append(card.element);
    near.observe(card.element);
  };
  const read = async () => {
    try {
      const answer = await call("events.get_task_plots", { task: id, iters: 1 }, { signal });
      replace(state, answer.plots.length ? null : notice("No plots yet. They appear here as they are reported."));
      show(answer.plots);
    } catch (error) {
      if (!isAbort(error)) replace(state, notice(describe(error), true));
    }
  };
  const refresh = throttled(REFRESH_MS, read, signal);
  addEventListener("theme", () => cards.forEach((card) => card.redraw()), { signal });
  signal.addEventListener("abort", () => (near.disconnect(), cards.forEach((card) => card.destroy())));
  refresh();
  return { change: (types) => types.includes("plot") && refresh(), again: refresh };
}

/** @param {Map<string, PlotCard>} cards @param {Element} element */
function byElement(cards, element) {
  return [...cards.values()].find((card) => card.element === element);
}

/** @param {Plot} plot */
function keyOf({ metric, variant }) {
  return JSON.stringify([metric, variant]);
}
