// What was done last, at the foot of the window, with a button that undoes it. It stays until the next one, or until closed.

import { describe } from "./api.js";
import { h, iconButton, notice, replace } from "./dom.js";

/** @typedef {import("./changes.js").Outcome} Outcome */

const place = h("div", { class: "toast", role: "region", "aria-label": "Last change", hidden: true });

/** Do something, and tell how it went. @param {() => Promise<Outcome>} action */
export async function attempt(action) {
  try {
    tell(await action());
  } catch (error) {
    tell({ text: "", problems: [describe(error)] });
  }
}

/** @param {Outcome} outcome */
export function tell({ text, problems, undo }) {
  document.body.append(place);
  const undoing = undo && h("button", { type: "button", class: "button", onclick: () => attempt(undo) }, "Undo");
  const close = iconButton("close", "Close", () => (place.hidden = true));
  place.hidden = false;
  replace(place, h("div", { class: "told" }, text ? notice(text) : null, ...problems.map((problem) => notice(problem, true))), undoing, close);
}
