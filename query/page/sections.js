// The charts of a board in sections: what is pinned, what names have in common before their first slash, and the rest.

/** @typedef {{key: string, title: string, names: string[], isFolded: boolean}} Section `title`: "" has no heading */
/** @typedef {{title: (name: string) => string, pinned: Set<string>, turned: Set<string>}} Layout `turned`: sections that somebody folded, or opened */

const LEAST_CHARTS = 9; // fewer have no sections but for what is pinned and the resource monitor
const MONITOR = /^:monitor:/;
const PREFIX = /^(.+?)(?:\/| \/ | › )/;

/** Charts with these names, sorted. @param {string[]} names @param {Layout} layout @returns {Section[]} */
export function sectionsOf(names, { title, pinned, turned }) {
  const groups = Map.groupBy(names, (name) => keyOf(name, title(name), pinned, names.length));
  const alone = [...groups].flatMap(([key, of]) => (key.startsWith("/") && of.length < 2 ? [key] : []));
  const rest = names.filter((name) => groups.get("")?.includes(name) || alone.some((key) => groups.get(key)?.includes(name)));
  for (const key of [...alone, ""]) groups.delete(key);
  const own = [...groups.keys()].filter((key) => key.startsWith("/")).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const hasHeadings = groups.size > 0 && rest.length > 0 && own.length > 0;
  const order = /** @type {[string, string, string[]][]} */ ([
    ["pinned", "Pinned", groups.get("pinned") ?? []],
    ["rest", hasHeadings ? "Others" : "", rest],
    ...own.map((key) => [key, key.slice(1), groups.get(key) ?? []]),
    ["monitor", "Resource monitor", groups.get("monitor") ?? []],
  ]);
  const isAlone = rest.length === 0 && own.length === 0; // the tab of the resource monitor has nothing else
  return order
    .filter(([, , of]) => of.length)
    .map(([key, text, of]) => (key === "monitor" && isAlone ? { key, title: "", names: of, isFolded: false } : { key, title: text, names: of, isFolded: turned.has(key) !== (key === "monitor") }));
}

/** Whether a metric is the resource monitor's: of processors, memory, disks, networks. @param {string} metric */
export function isMonitor(metric) {
  return MONITOR.test(metric);
}

/** @param {string} name @param {string} title @param {Set<string>} pinned @param {number} count of charts */
function keyOf(name, title, pinned, count) {
  if (pinned.has(name)) return "pinned";
  if (isMonitor(name)) return "monitor";
  const prefix = count < LEAST_CHARTS ? "" : (PREFIX.exec(title)?.[1] ?? "");
  return prefix ? `/${prefix}` : "";
}

/** Whether some of a chart's texts have all words of a search, each of which may be a regular expression. @param {string} search */
export function matcher(search) {
  const patterns = search.split(/\s+/).filter(Boolean).map(pattern);
  return (/** @type {string[]} */ texts) => patterns.every((one) => texts.some((text) => one.test(text)));
}

/** @param {string} word */
function pattern(word) {
  try {
    return new RegExp(word, "i");
  } catch {
    return new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
  }
}
