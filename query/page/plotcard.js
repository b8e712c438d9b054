// One plot as a card. Whatever goes wrong in it is said in it, and touches no other.

import { h, notice, replace } from "./dom.js";
import { parse, suited } from "./figure.js";
import { bounded, excess } from "./figurebounds.js";
import { loadable } from "./files.js";
import * as format from "./format.js";
import { curveTitle } from "./names.js";
import { draw, erase, hasGl, isPicture, unknownKinds } from "./plotly.js";
import { table } from "./plottable.js";

/** @typedef {{metric: string, variant: string, iter: number, plot_str?: string}} Plot */

export class PlotCard {
  /** @param {Plot} plot */
  constructor(plot) {
    const name = curveTitle(plot.metric, plot.variant);
    this.plot = plot;
    this.isNear = false;
    this.about = h("span", { class: "about" });
    this.body = h("div", { class: "plot" });
    this.figure = h("div", { class: "figure" });
    this.element = h("article", { class: "card", "aria-label": name }, h("header", {}, h("h3", { title: name }, name), this.about), this.body);
    this.update(plot);
  }

  /** Show another plot of the same name, unless it is the same one. @param {Plot} plot */
  update(plot) {
    const isSame = this.about.textContent && plot.iter === this.plot.iter && plot.plot_str === this.plot.plot_str;
    if (isSame) return;
    this.plot = plot;
    this.about.textContent = `iteration ${format.number(plot.iter)}`;
    this.redraw();
  }

  /** Draw when the card comes near what is seen of the page. @param {boolean} isNear */
  approach(isNear) {
    const isDue = isNear && (!this.isNear || isPicture(this.figure));
    this.isNear ||= isNear;
    if (isDue) this.redraw();
  }

  /** @param {boolean} [isWanted] whether it is drawn however much it is */
  async redraw(isWanted = false) {
    if (!this.isNear) return;
    try {
      await this.show(isWanted);
    } catch (error) {
      this.destroy();
      const reason = error instanceof Error ? error.message : String(error);
      replace(this.body, notice(`This plot cannot be drawn: ${reason}`, true));
    }
  }

  /** @param {boolean} isWanted */
  async show(isWanted) {
    const figure = parse(this.plot.plot_str);
    if (!figure) return replace(this.body, notice("This plot is not a plotly figure."));
    const tables = figure.data.filter(({ type }) => type === "table");
    const others = { ...figure, data: figure.data.filter(({ type }) => type !== "table") };
    replace(this.body, tables.map(table));
    if (others.data.length || figure.layout.images) await this.showFigure(others, isWanted);
    else if (!tables.length) replace(this.body, notice("This plot has no data."));
  }

  /** @param {import("./figure.js").Figure} figure @param {boolean} isWanted */
  async showFigure(figure, isWanted) {
    const reason = isWanted ? "" : excess(figure);
    if (reason) return this.body.append(this.refusal(reason));
    const drawn = suited(bounded(figure), hasGl());
    const unknown = await unknownKinds(drawn);
    if (unknown.length) this.body.append(notice(`This page does not draw ${unknown.join(", ")}.`));
    const data = drawn.data.filter(({ type }) => !unknown.includes(type));
    if (!data.length && !drawn.layout.images) return;
    const layout = { ...drawn.layout, images: await located(drawn.layout.images) };
    this.body.append(this.figure);
    await draw(this.figure, { ...drawn, data, layout });
  }

  /** @param {string} reason */
  refusal(reason) {
    return h("div", {}, notice(reason), h("button", { type: "button", class: "button", onclick: () => this.redraw(true) }, "Draw it nevertheless"));
  }

  /** Give back what the figure has of the browser. */
  destroy() {
    erase(this.figure);
  }
}

/** Pictures of a layout, from where they can be loaded: the SDK names uploaded ones by the files server's address. @param {any} images */
function located(images) {
  if (!Array.isArray(images)) return images;
  return Promise.all(images.map(async (image) => (typeof image?.source === "string" ? { ...image, source: await loadable(image.source) } : image)));
}
