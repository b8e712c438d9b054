// Keys: of the list of tasks, with a dialog that tells them; and arrows between tabs.

import { h, iconButton } from "./dom.js";

/** @typedef {{key: string, label: string, press: () => void}} Key */

const TYPED_IN = "input:not([type=checkbox]):not([type=range]), select, textarea";
const STEPS = /** @type {Record<string, (at: number, count: number) => number>} */ ({
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
});

/** Listen to keys until `signal`, but for where somebody types. `?` tells them. @param {Key[]} keys @param {AbortSignal} signal */
export function listen(keys, signal) {
  const all = [...keys, { key: "?", label: "Show these keys", press: () => showKeys(all, signal) }];
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    const isTyped = event.target instanceof Element && event.target.matches(TYPED_IN);
    if (isTyped || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const found = all.find(({ key }) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found.press();
  };
  addEventListener("keydown", pressed, { signal });
}

/** @param {Key[]} keys @param {AbortSignal} signal */
function showKeys(keys, signal) {
  const rows = keys.map(({ key, label }) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, label)));
  const close = iconButton("close", "Close", () => dialog.close());
  const dialog = h("dialog", { class: "asks card", "aria-label": "Keys", onclose: () => dialog.remove() }, h("header", {}, h("h3", {}, "Keys"), close), h("table", { class: "plain" }, h("tbody", {}, ...rows)));
  signal.addEventListener("abort", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

/** Move the focus between tabs by arrows, Home and End; Enter opens one. @param {HTMLElement[]} tabs @param {KeyboardEvent} event */
export function stepTabs(tabs, event) {
  const at = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const step = STEPS[event.key];
  if (!step || at < 0) return;
  event.preventDefault();
  tabs[step(at, tabs.length)].focus();
}
