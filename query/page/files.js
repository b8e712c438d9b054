// Uploaded files: events name them by whatever address the uploader knew, which a browser may not reach, or not with
// the caller's cookie. The page's own origin serves the same files at files/<path>.

const ROOT = new URL("../", import.meta.url);
const OWN = "files/";
/** Hosts that are likely the files server's: this one's, this network's, or names without a domain. */
const NEAR = /^(localhost|\[::1\]|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|[^.]+$)|\.(local|lan|internal|localhost)$/;

const CALL = /^\/+(api\/)?(v[\d.]+\/)?[a-z_]\w+\.[a-z_]\w+\/*$/i;

/** Where the files of a host were found. @type {Map<string, "own" | "direct">} */
const homes = new Map();

/**
 * The addresses at which a file may be, the likeliest first; none for schemes that a browser does not know.
 * `version`: of a file that is uploaded again under its name, so that no older one is shown.
 * @param {string} address
 * @param {string | number} [version]
 * @returns {string[]}
 */
export function candidates(address, version = "") {
  const url = URL.parse(address);
  if (url?.protocol === "data:") return [address];
  if (!url || !["http:", "https:"].includes(url.protocol)) return [];
  const own = ownAddress(url, version);
  if (isCall(url)) return [ownAddress(url, version)];
  const isNear = url.hostname === ROOT.hostname || NEAR.test(url.hostname);
  return (homes.get(url.host) ?? (isNear ? "own" : "direct")) === "own" ? [own, address] : [address, own];
}

/**
 * Whether an address is a call's of this host's API, which an image or a plot of a stranger's may name: it is never loaded.
 * @param {URL} url
 */
function isCall(url) {
  const isOwn = url.host === ROOT.host && !url.pathname.startsWith(ROOT.pathname + OWN);
  return isOwn || (url.hostname === ROOT.hostname && CALL.test(url.pathname));
}

/** Whether a plot may load an image from there. @param {unknown} address */
export function isLoadable(address) {
  const url = typeof address === "string" ? URL.parse(address, ROOT) : null;
  return url !== null && !isCall(url);
}

/** @param {URL} url @param {string | number} version */
function ownAddress(url, version) {
  const path = url.host === ROOT.host ? url.pathname.replace(`${ROOT.pathname}${OWN}`, "/") : url.pathname;
  const own = new URL(OWN + path.replace(/^\/+/, ""), ROOT);
  if (version !== "") own.searchParams.set("v", String(version));
  return own.href;
}

/** A file was found there: where else its host's files are. @param {string} address @param {string} found */
export function remember(address, found) {
  const host = URL.parse(address)?.host;
  if (host) homes.set(host, found === address ? "direct" : "own");
}

/**
 * Where the page's own origin has a file; null where it does not.
 * @param {string} address
 * @param {string | number} version
 * @param {AbortSignal} signal
 */
export async function ownFile(address, version, signal) {
  const own = candidates(address, version).find((one) => one !== address);
  if (!own) return null;
  const answer = await fetch(own, { method: "HEAD", signal });
  return answer.ok ? own : null;
}

/** An address at which an image can be loaded; the likeliest if none is, and never a call's. @param {string} address @returns {Promise<string>} */
export async function loadable(address) {
  for (const candidate of candidates(address)) {
    const image = new Image();
    image.src = candidate;
    try {
      await image.decode();
      remember(address, candidate);
      return candidate;
    } catch {
      // the next one may be
    }
  }
  return candidates(address)[0] ?? "";
}
