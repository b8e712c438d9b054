// Numbers and times as people read them.

/** @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e10) return value.toLocaleString("en");
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace(/\.?0+e/, "e");
  if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: size >= 1e5 ? 0 : 1 });
  return String(Number(value.toPrecision(4)));
}

/** @param {number} count */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)));
  return `${number(Number((count / 1000 ** power).toPrecision(3)))} ${units[power]}`;
}

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** @param {string | number | null | undefined} time */
export function ago(time) {
  if (!time) return "–";
  const ms = Date.now() - new Date(time).getTime();
  if (ms < 5000) return "just now";
  const [first, unit] = duration(ms).split(" ");
  return `${first} ${unit} ago`;
}

/** @param {string | number | null | undefined} time */
export function moment(time) {
  return time ? new Date(time).toLocaleString() : "–";
}

/** @param {number} ms */
export function clock(ms) {
  const time = new Date(ms);
  const date = time.toDateString() === new Date().toDateString() ? "" : `${time.toLocaleDateString("sv")} `;
  return `${date}${time.toLocaleTimeString("sv")}`;
}

/** What the server calls a state, in words. */
export const STATUS = /** @type {Record<string, string>} */ ({
  created: "created",
  queued: "queued",
  in_progress: "running",
  stopped: "stopped",
  closed: "closed",
  failed: "failed",
  completed: "completed",
  published: "published",
  publishing: "publishing",
  unknown: "unknown",
});
