// What a task reports as debug samples: images, and whatever else the SDK uploads as such, by the ending of its name.

import { isAbort } from "./api.js";
import { h, notice, replace } from "./dom.js";
import { candidates, ownFile, remember } from "./files.js";
import * as format from "./format.js";
import { curveTitle } from "./names.js";

/** @typedef {{metric: string, variant: string, iter: number, url: string, timestamp?: number}} Sample */

const KINDS = /** @type {[RegExp, (sample: Sample, name: string, signal: AbortSignal) => HTMLElement][]} */ ([
  [/\.(mp4|m4v|webm|ogv|mov|mkv)$/i, (sample, name) => player("video", sample, name)],
  [/\.(mp3|wav|ogg|oga|opus|flac|m4a|aac)$/i, (sample, name) => player("audio", sample, name)],
  [/\.html?$/i, (sample, name, signal) => frame(sample, name, signal)],
  [/\.(txt|log|md|csv|tsv|json|jsonl|ya?ml|xml|ini|toml|py)$/i, (sample, name, signal) => text(sample, name, signal)],
]);
const IMAGE = /\.(png|jpe?g|gif|webp|svg|bmp|ico|avif)$/i;
const JSON_FILE = /\.json$/i;
const SHOWN_TEXT_BYTES = 1 << 16;

/** A sample with its name. @param {Sample} sample @param {AbortSignal} signal */
export function figure(sample, signal) {
  const name = curveTitle(sample.metric, sample.variant);
  const caption = h("figcaption", { title: name }, h("span", {}, sample.variant || sample.metric));
  const [first] = candidates(sample.url, version(sample));
  if (!first) return h("figure", { class: "card" }, notice(`${sample.url} cannot be shown by a browser.`), caption);
  const path = URL.parse(sample.url)?.pathname ?? "";
  const [, make] = KINDS.find(([ending]) => sample.url.startsWith("data:") ? false : ending.test(path)) ?? [];
  const shown = make ? make(sample, name, signal) : picture(sample, name);
  if (!sample.url.startsWith("data:")) caption.append(opener(sample));
  return h("figure", { class: "card" }, shown, caption);
}

/** What a file has inside, by the ending of its name; null where a browser has no way to show it. @param {Sample} sample @param {AbortSignal} signal */
export function preview(sample, signal) {
  const path = URL.parse(sample.url)?.pathname ?? "";
  if (!candidates(sample.url).length) return null;
  const [, make] = KINDS.find(([ending]) => ending.test(path)) ?? [];
  if (make) return make(sample, sample.metric, signal);
  return IMAGE.test(path) ? picture(sample, sample.metric) : null;
}

/** Names stay when an image is uploaded anew; what browsers remember of the older one must not be shown. @param {Sample} sample */
function version({ iter, timestamp }) {
  return `${iter}-${timestamp ?? ""}`;
}

/** The file by itself, in a tab of its own. @param {Sample} sample */
function opener(sample) {
  const open = /** @type {HTMLAnchorElement} */ (h("a", { class: "about", href: candidates(sample.url)[0], target: "_blank", rel: "noopener noreferrer" }, "open"));
  // The first address may have turned out to be a wrong one since.
  open.addEventListener("pointerdown", () => (open.href = candidates(sample.url)[0]));
  return open;
}

/** @param {Sample} sample @param {string} name */
function picture(sample, name) {
  const image = h("img", { alt: `${name}, iteration ${sample.iter}`, loading: "lazy", referrerpolicy: "no-referrer" });
  return tried(image, "load", sample, "The image cannot be loaded.");
}

/** @param {"audio" | "video"} kind @param {Sample} sample @param {string} name */
function player(kind, sample, name) {
  const made = h(kind, { controls: true, preload: "metadata", "aria-label": `${name}, iteration ${sample.iter}` });
  return tried(made, "loadedmetadata", sample, `The ${kind} cannot be played.`);
}

/**
 * An element that takes its source from the next address whenever one fails.
 * @param {HTMLImageElement | HTMLMediaElement} element
 * @param {string} loaded event
 * @param {Sample} sample
 * @param {string} problem
 */
function tried(element, loaded, sample, problem) {
  const addresses = candidates(sample.url, version(sample));
  const box = h("div", { class: "media" }, element);
  const next = () => {
    const address = addresses.shift();
    if (!address) return replace(box, notice(problem));
    element.src = address;
  };
  element.addEventListener(loaded, () => remember(sample.url, element.src));
  element.addEventListener("error", next);
  next();
  return box;
}

/** A page of somebody's, which may neither run scripts nor know whose page it is in. @param {Sample} sample @param {string} name @param {AbortSignal} signal */
function frame(sample, name, signal) {
  const box = h("div", { class: "media" });
  placed(box, sample, signal, (address) => h("iframe", { src: address, title: `${name}, iteration ${sample.iter}`, sandbox: "", loading: "lazy", referrerpolicy: "no-referrer" }));
  return box;
}

/** The beginning of a text, where the page's own origin has it; else a frame. @param {Sample} sample @param {string} name @param {AbortSignal} signal */
function text(sample, name, signal) {
  const box = h("div", { class: "media" });
  placed(box, sample, signal, async (address, isOwn) => {
    if (!isOwn) return h("iframe", { src: address, title: name, sandbox: "", loading: "lazy", referrerpolicy: "no-referrer" });
    const answer = await fetch(address, { headers: { Range: `bytes=0-${SHOWN_TEXT_BYTES - 1}` }, signal });
    const size = Number(answer.headers.get("Content-Range")?.split("/")[1] ?? 0);
    const rest = size > SHOWN_TEXT_BYTES ? [notice(`The first ${format.number(SHOWN_TEXT_BYTES)} of ${format.number(size)} bytes.`)] : [];
    const content = await answer.text();
    return h("div", {}, h("pre", { tabindex: 0, "aria-label": name }, rest.length || !JSON_FILE.test(URL.parse(address)?.pathname ?? "") ? content : indented(content)), ...rest);
  });
  return box;
}

/** JSON on lines of its own; other text as it is. @param {string} text */
function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/**
 * What `make` gives for the address at which a file is: a frame does not tell whether it has loaded anything.
 * @param {HTMLElement} box
 * @param {Sample} sample
 * @param {AbortSignal} signal
 * @param {(address: string, isOwn: boolean) => HTMLElement | Promise<HTMLElement>} make
 */
async function placed(box, sample, signal, make) {
  try {
    const own = await ownFile(sample.url, version(sample), signal);
    if (own) remember(sample.url, own);
    replace(box, await make(own ?? sample.url, own !== null));
  } catch (error) {
    if (!isAbort(error)) replace(box, notice("The file cannot be loaded."));
  }
}
