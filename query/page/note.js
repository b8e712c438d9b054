// A task's note: Markdown that a person wrote, shown without anything that could run or load.

import { h, notice, replace } from "./dom.js";

const CARD_LEVEL = 3; // of the heading above a note
const ALLOWED = {
  ALLOWED_TAGS: ["a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"],
  ALLOWED_ATTR: ["href", "title", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
};

/** An element that shows a note once the libraries for it have come. @param {string} text */
export function note(text) {
  const element = h("div", { class: "note" });
  fill(element, text);
  return element;
}

/**
 * How Markdown becomes HTML. Headings begin below the card's own, and none is more than one level below the one before.
 * @returns {import("./vendor/marked/marked.esm.js").RendererObject}
 */
function renderer() {
  let level = CARD_LEVEL;
  return {
    html: ({ text }) => escaped(text),
    heading({ tokens, depth }) {
      level = Math.min(depth + CARD_LEVEL, level + 1, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
  };
}

/** HTML inside of Markdown stays what was typed. @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Show another text. Images are left out: they would tell somebody's server who reads the note. @param {HTMLElement} element @param {string} text */
export async function fill(element, text) {
  try {
    const [{ Marked }, { default: sanitizer }] = await Promise.all([import("./vendor/marked/marked.esm.js"), import("./vendor/dompurify/purify.es.js")]);
    const html = new Marked({ gfm: true, breaks: true, renderer: renderer() }).parse(text, { async: false });
    replace(element, sanitizer.sanitize(html, { ...ALLOWED, RETURN_DOM_FRAGMENT: true }));
    for (const link of element.querySelectorAll("a")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
    for (const block of element.querySelectorAll("pre")) block.tabIndex = 0;
  } catch {
    replace(element, notice("The note cannot be formatted."), h("pre", { tabindex: 0 }, text));
  }
}
