// Names as people tell them apart: of a metric and its variant, and of many that are long and nearly alike.

const PLENTY = 24; // characters that are seen of a name, whatever the layout
const HEAD = 8;
const CONTEXT = 4;

/**
 * What tells a curve of a metric and variant from all others, readable in an address.
 * @param {string} metric
 * @param {string} variant
 */
export function curveKey(metric, variant) {
  return `${escaped(metric)}/${escaped(variant)}`;
}

/** Without slashes. @param {string} name */
function escaped(name) {
  return name.replace(/[%/]/g, encodeURIComponent);
}

/**
 * A metric and variant as a title. Where a name has slashes itself, another mark stands between the two, so that
 * `a › b/c` and `a/b › c` are seen to differ.
 * @param {string} metric
 * @param {string} variant
 */
export function curveTitle(metric, variant) {
  if (!variant || variant === metric) return metric;
  return /\//.test(metric + variant) ? `${metric} › ${variant}` : `${metric} / ${variant}`;
}

/**
 * The names, long ones shortened so that the first character in which each differs from its nearest neighbour is seen.
 * @param {string[]} names
 */
export function distinct(names) {
  const sorted = [...new Set(names)].sort();
  /** @type {Map<string, string>} */
  const labels = new Map();
  sorted.forEach((name, i) => {
    const shared = Math.max(sharedLength(name, sorted[i - 1]), sharedLength(name, sorted[i + 1]));
    labels.set(name, shared < PLENTY ? name : `${name.slice(0, HEAD)}…${name.slice(shared - CONTEXT)}`);
  });
  return names.map((name) => labels.get(name) ?? name);
}

/** How many characters two names begin with alike. @param {string} name @param {string | undefined} other */
function sharedLength(name, other = "") {
  let length = 0;
  while (length < name.length && name[length] === other[length]) length++;
  return length;
}

/**
 * The names of tasks, which may be the same: those are told apart by the beginning of their ids.
 * @param {{id: string, name: string}[]} tasks
 * @returns {Map<string, string>}
 */
export function taskNames(tasks) {
  const counts = new Map();
  for (const { name } of tasks) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map(tasks.map(({ id, name }) => [id, counts.get(name) > 1 ? `${id.slice(0, 6)} ${name}` : name]));
}
