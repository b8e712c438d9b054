// A section of a board: a grid of cards of one height, of which only those near the window are in the document.

import { h } from "./dom.js";
import * as format from "./format.js";

/** @typedef {import("./sections.js").Section} Section */

const GAP_PX = 14;
const NEAR = 1; // windows above and below the visible one

export class ChartGrid {
  /** @param {string} key @param {() => void} fold */
  constructor(key, fold) {
    this.key = key;
    /** @type {string[]} */
    this.names = [];
    this.isFolded = false;
    this.count = h("span", { class: "about" });
    this.text = h("span", {});
    this.button = h("button", { type: "button", class: "fold", onclick: fold }, this.text, this.count);
    this.head = h("h2", { class: "section-head" }, this.button);
    this.grid = h("div", { class: "charts" });
    this.element = h("section", { class: "chart-section" }, this.head, this.grid);
  }

  /** @param {Section} section */
  show({ title, names, isFolded }) {
    this.names = names;
    this.isFolded = isFolded;
    this.head.hidden = !title;
    this.text.textContent = title;
    this.count.textContent = format.number(names.length);
    this.button.setAttribute("aria-expanded", String(!isFolded));
    this.grid.hidden = isFolded;
  }

  /** The names of the charts that are near the window. @param {{height: number, least: number}} card px of a card: its height, its least width */
  near({ height, least }) {
    if (this.isFolded) return [];
    const { top, width } = this.grid.getBoundingClientRect();
    const across = Math.max(1, Math.floor((width + GAP_PX) / (Math.min(least, width) + GAP_PX)));
    const row = height + GAP_PX;
    const rows = Math.ceil(this.names.length / across);
    const clamp = (/** @type {number} */ place) => Math.min(rows, Math.max(0, place));
    const first = clamp(Math.floor((-NEAR * innerHeight - top) / row));
    const last = clamp(Math.ceil(((1 + NEAR) * innerHeight - top) / row));
    this.grid.style.setProperty("--across", String(across));
    this.grid.style.setProperty("--before", `${first * row}px`);
    this.grid.style.setProperty("--after", `${(rows - last) * row}px`);
    return this.names.slice(first * across, last * across);
  }

  /** Put cards in; those that are there already stay, with the focus and what is drawn. @param {HTMLElement[]} cards */
  fill(cards) {
    let place = this.grid.firstElementChild;
    for (const card of cards) {
      if (card === place) place = place.nextElementSibling;
      else this.grid.insertBefore(card, place);
    }
    while (place) {
      const next = place.nextElementSibling;
      place.remove();
      place = next;
    }
  }
}
