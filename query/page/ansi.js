// Lines as a terminal shows them: colours, links, and text that overwrites other text of its line.

import { h } from "./dom.js";

/** How a character looks. @typedef {{classes: string[], ink: string, ground: string, href: string}} Look */
/** @typedef {{text: string, look: Look}} Run */

/** SGR; the rest of CSI; OSC up to BEL or ST; other escapes; what moves back in the line. */
const ESCAPE = /\x1b\[([\d;:]*)m|\x1b\[([\d;:?]*)([@-~])|\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]|\r|\x08/g;
const HAS_ESCAPES = /[\x1b\r\x08]/;
const LINK = /^8;[^;]*;(.*)$/s;
/** @type {Look} */
const PLAIN = { classes: [], ink: "", ground: "", href: "" };
/** Attributes of text by what switches them on, and what off. @type {Record<number, string>} */
const ON = { 1: "bold", 2: "faint", 3: "italic", 4: "underlined", 7: "inverse", 9: "struck" };
/** @type {Record<number, string[]>} */
const OFF = { 22: ["bold", "faint"], 23: ["italic"], 24: ["underlined"], 27: ["inverse"], 29: ["struck"] };
const CUBE = [0, 95, 135, 175, 215, 255];

/**
 * A message as nodes. `marked` makes those of a text in which nothing changes.
 * @param {string} text
 * @param {(text: string) => (string | Node)[]} marked
 * @returns {(string | Node)[]}
 */
export function rendered(text, marked) {
  if (!HAS_ESCAPES.test(text)) return marked(text);
  let look = PLAIN;
  return text.split("\n").flatMap((line, i) => {
    const screen = shown(line.replace(/\r$/, ""), look);
    look = screen.look;
    return [i ? "\n" : "", ...screen.runs().map((run) => node(run, marked))];
  });
}

/** @param {Run} run @param {(text: string) => (string | Node)[]} marked */
function node({ text, look: { classes, ink, ground, href } }, marked) {
  const names = [...classes, ink && (ink[0] === "#" ? "own-ink" : `ansi${ink}`), ground && (ground[0] === "#" ? "own-ground" : `ground${ground}`)];
  const properties = { class: names.filter(Boolean).join(" ") || null, vars: { "own-ink": ink, "own-ground": ground } };
  if (href) return h("a", { ...properties, href, target: "_blank", rel: "noopener noreferrer" }, ...marked(text));
  return h("span", properties, ...marked(text));
}

/** A line as it is at its end: what follows a carriage return lies over the beginning. @param {string} line @param {Look} look */
function shown(line, look) {
  const screen = new Screen(look);
  let start = 0;
  for (const found of line.matchAll(ESCAPE)) {
    screen.write(line.slice(start, found.index));
    start = found.index + found[0].length;
    screen.obey(found);
  }
  screen.write(line.slice(start));
  return screen;
}

/** The characters of one line, how each looks, and where the next is written. */
class Screen {
  /** @param {Look} look of what is written first */
  constructor(look) {
    /** @type {string[]} */
    this.cells = [];
    /** @type {Look[]} */
    this.looks = [];
    this.at = 0;
    this.look = look;
  }

  /** @param {string} text */
  write(text) {
    for (const character of text) {
      this.cells[this.at] = character;
      this.looks[this.at++] = this.look;
    }
  }

  /** What an escape asks for, as far as one line goes; others are left out. @param {RegExpMatchArray} escape */
  obey([whole, colors, parameter, command, system]) {
    if (colors !== undefined) this.look = styled(this.look, colors);
    else if (whole === "\r") this.at = 0;
    else if (whole === "\b") this.at = Math.max(0, this.at - 1);
    else if (command === "K") this.erase(Number(parameter) || 0);
    else if (command === "G") this.move((Number(parameter) || 1) - 1);
    else if (command === "D") this.move(this.at - (Number(parameter) || 1));
    else if (command === "C") this.move(this.at + (Number(parameter) || 1));
    else if (system !== undefined) this.look = linked(this.look, system);
  }

  /** Only where there is text: nobody needs a million blanks. @param {number} column */
  move(column) {
    this.at = Math.min(Math.max(0, column), this.cells.length);
  }

  /** To the end of the line, from its beginning, or all of it. @param {number} part */
  erase(part) {
    if (part !== 0) this.cells.fill(" ", 0, Math.min(this.at + 1, this.cells.length));
    if (part !== 1) this.cells.length = this.looks.length = Math.min(this.at, this.cells.length);
    if (part === 2) this.cells.length = this.looks.length = this.at = 0;
  }

  /** @returns {Run[]} */
  runs() {
    /** @type {Run[]} */
    const found = [];
    this.cells.forEach((text, i) => {
      const last = found[found.length - 1];
      if (last?.look === this.looks[i]) last.text += text;
      else found.push({ text, look: this.looks[i] });
    });
    return found;
  }
}

/** OSC 8: what follows is a link, or no longer one. Only to where a browser may go. @param {Look} look @param {string} system @returns {Look} */
function linked(look, system) {
  const href = LINK.exec(system)?.[1];
  if (href === undefined) return look;
  return { ...look, href: ["http:", "https:"].includes(URL.parse(href)?.protocol ?? "") ? href : "" };
}

/** @param {Look} before @param {string} text the parameters of SGR @returns {Look} */
function styled(before, text) {
  const codes = text.split(/[;:]/).map(Number);
  let look = before;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 38 || code === 48) {
      const isColored = text.includes(":") && codes[i + 1] === 2 && codes.length - i > 5; // 38:2::r:g:b names a space
      const [color, length] = extended(codes.slice(i + 1), isColored);
      look = { ...look, [code === 38 ? "ink" : "ground"]: color };
      i += length;
    } else look = switched(look, code);
  }
  return look;
}

/** @param {Look} look @param {number} code @returns {Look} */
function switched(look, code) {
  if (code === 0) return { ...PLAIN, href: look.href };
  if (ON[code]) return { ...look, classes: [...look.classes.filter((name) => name !== ON[code]), ON[code]] };
  if (OFF[code]) return { ...look, classes: look.classes.filter((name) => !OFF[code].includes(name)) };
  if (code === 39) return { ...look, ink: "" };
  if (code === 49) return { ...look, ground: "" };
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return { ...look, ink: String(code % 10) };
  if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) return { ...look, ground: String(code % 10) };
  return look;
}

/** A colour of 256 or of all, and how many parameters say so. @param {number[]} codes @param {boolean} hasSpace @returns {[string, number]} */
function extended([kind, ...rest], hasSpace) {
  if (kind === 5) return [indexed(rest[0] ?? 0), 2];
  if (kind !== 2) return ["", 1];
  const channels = rest.slice(hasSpace ? 1 : 0, hasSpace ? 4 : 3);
  return [hex(channels), hasSpace ? 5 : 4];
}

/** The first 16 are the page's own, then a cube of 6 by 6 by 6, then greys. @param {number} index */
function indexed(index) {
  if (index < 16) return String(index % 8);
  if (index >= 232) return hex([1, 1, 1].map(() => 8 + 10 * (index - 232)));
  return hex([Math.floor((index - 16) / 36), Math.floor((index - 16) / 6) % 6, (index - 16) % 6].map((step) => CUBE[step]));
}

/** @param {number[]} channels */
function hex(channels) {
  const byte = (/** @type {number} */ value) => Math.min(Math.max(value || 0, 0), 255).toString(16).padStart(2, "0");
  return `#${[0, 1, 2].map((i) => byte(channels[i])).join("")}`;
}
