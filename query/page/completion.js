// A text field of the filter language, with a list of what may come next.

import { h, replace } from "./dom.js";

/** @typedef {{text: string, about?: string}} Suggestion */

const MOST = 12;
// What is being typed: an open quote, or what stands behind the last sign or space. Before it, perhaps, a column and operator.
const TYPED = /(?:"[^"]*|(?:"[^"]*"|[^\s()<>=!~,"'])*)$/;
const COMPARED = /((?:"[^"]*"|[^\s()<>=!~,"'])+)\s*(?:[<>]=?|==?|!=|!?~|(?:not\s+)?in\s*\((?:[^()]*,)?)\s*$/i;

/**
 * The field. `suggest` gets what is being typed and, behind an operator, the column that is compared.
 * @param {{label: string, value: string, changed: (text: string) => void, suggest: (typed: string, column: string) => Promise<Suggestion[]>}} wish
 */
export function completed({ label, value, changed, suggest }) {
  const list = h("ul", { class: "suggestions", role: "listbox", id: "suggestions", "aria-label": "What may come next", hidden: true });
  const input = h("input", {
    type: "search", value, placeholder: "Search tasks", "aria-label": label, role: "combobox", "aria-expanded": "false",
    "aria-controls": "suggestions", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", autocapitalize: "none",
  });
  let chosen = -1;
  let asked = 0;
  const close = () => {
    asked++;
    chosen = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const typed = () => {
    const before = input.value.slice(0, input.selectionStart ?? 0);
    const part = TYPED.exec(before)?.[0] ?? "";
    return { part, column: COMPARED.exec(before.slice(0, before.length - part.length))?.[1] ?? "" };
  };
  const take = (/** @type {string} */ text) => {
    const place = input.selectionStart ?? 0;
    const start = place - typed().part.length;
    const after = input.value.slice(place);
    input.value = `${input.value.slice(0, start)}${text}${after.startsWith(" ") ? "" : " "}${after}`;
    input.setSelectionRange(start + text.length + 1, start + text.length + 1);
    close();
    changed(input.value);
  };
  const show = async () => {
    const mine = ++asked;
    const { part, column } = typed();
    const found = part || column ? (await suggest(part.replace(/^"/, "").toLowerCase(), column)).slice(0, MOST) : [];
    if (mine !== asked || document.activeElement !== input) return;
    chosen = -1;
    const options = found.map(({ text, about }, i) => h("li", { role: "option", id: `suggestion-${i}`, "aria-selected": "false", onpointerdown: (/** @type {Event} */ e) => (e.preventDefault(), take(text)) }, h("span", {}, text), about ? h("span", { class: "about" }, about) : null));
    replace(list, ...options);
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    input.removeAttribute("aria-activedescendant");
  };
  const move = (/** @type {number} */ step) => {
    const options = [...list.children];
    options[chosen]?.setAttribute("aria-selected", "false");
    chosen = (chosen + step + options.length + (chosen < 0 && step < 0 ? 1 : 0)) % options.length;
    options[chosen].setAttribute("aria-selected", "true");
    options[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[chosen].id);
  };
  input.addEventListener("input", () => (changed(input.value), show()));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) move(step);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(list.children[chosen].firstChild?.textContent ?? "");
    else return;
    event.preventDefault();
  });
  return { element: h("div", { class: "completed" }, input, list), input };
}
