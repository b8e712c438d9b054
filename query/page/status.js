// The state of a task as a dot, in words for those who do not see it.

import { h } from "./dom.js";
import * as format from "./format.js";

/** @param {string} state */
export function status(state) {
  return h("span", { class: `status ${state}`, title: format.STATUS[state] ?? state }, h("span", { class: "unseen" }, format.STATUS[state] ?? state));
}
