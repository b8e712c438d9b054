// Building the document: every text becomes a text node, so that no name or message is ever read as HTML.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, any>} Properties */

const SVG = "http://www.w3.org/2000/svg";

/** Outlines of icons, on a grid of 20 × 20. */
const ICONS = {
  search: "M9 15a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM13.5 13.5 17 17",
  sun: "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M15.700 4.300l-1.100 1.100M5.400 14.600l-1.100 1.100",
  out: "M8 4H4v12h4M12 6l4 4-4 4M16 10H8",
  back: "M12 4l-6 6 6 6",
  expand: "M4 8V4h4M16 8V4h-4M4 12v4h4M16 12v4h-4",
  shrink: "M8 4v4H4M12 4v4h4M8 16v-4H4M12 16v-4h4",
  down: "M10 3v10M6 9.5l4 4 4-4M4 17h12",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  first: "M14 5l-5 5 5 5M6 5v10",
  last: "M6 5l5 5-5 5M14 5v10",
  end: "M10 4v10M6 10.5l4 4 4-4M5 17h10",
  more: "M10 4v12M4 10h12",
  less: "M4 10h12",
  whole: "M3 5v10M17 5v10M6 10h8M8.5 7.500 6 10l2.500 2.500M11.500 7.500 14 10l-2.500 2.500",
  close: "M5 5l10 10M15 5 5 15",
  pin: "M7 3h6M8 3v5l-2.500 3h9L12 8V3M10 11v6",
};

/**
 * An element. Properties: `class`, `on…` listeners, `vars` (CSS custom properties), anything else as an attribute.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, text] of Object.entries(value)) element.style.setProperty(`--${key}`, text);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} element @param {(Child | Child[])[]} children */
export function append(element, children) {
  for (const child of children.flat()) {
    if (child instanceof Node) element.append(child);
    else if (child !== null && child !== undefined && child !== false) element.append(String(child));
  }
}

/** @param {Element} element @param {...(Child | Child[])} children */
export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Element} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/**
 * A button that shows an icon and says what it does.
 * @param {keyof typeof ICONS} name
 * @param {string} label
 * @param {(event: Event) => void} onclick
 * @param {Properties} [more]
 */
export function iconButton(name, label, onclick, more = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

/** @param {string} message @param {boolean} [isError] */
export function notice(message, isError = false) {
  return h("p", { class: isError ? "notice error" : "notice", role: isError ? "alert" : "status" }, message);
}

/**
 * Give a file to the person.
 * @param {string} name
 * @param {Blob} content
 */
export function download(name, content) {
  const url = URL.createObjectURL(content);
  h("a", { href: url, download: name.replace(/[^\w.-]+/g, "_") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * The latest of many calls, after a while without further ones.
 * @template {any[]} Arguments
 * @param {number} ms
 * @param {(...values: Arguments) => void} call
 * @returns {(...values: Arguments) => void}
 */
export function later(ms, call) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), ms);
  };
}
