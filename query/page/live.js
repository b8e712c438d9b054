// What is new of some tasks: server-sent events, opened again when they end.

import { url } from "./api.js";

/**
 * @typedef {{x: number[], t: number[], y: number[], y_min: number[], y_max: number[], y_last: number[]}} NewPoints
 * @typedef {{
 *   ready?: () => void,
 *   points?: (task: string, metrics: Record<string, Record<string, NewPoints>>) => void,
 *   change?: (task: string, types: string[]) => void,
 *   reset?: (tasks: string[]) => void,
 *   state?: (isLive: boolean) => void,
 * }} Listener
 */

const RETRY_MS = 3000;
const RECENT_MS = 60_000; // after which a task that was never started, and reports nothing more, goes on no longer
const UNSTARTED = new Set(["created", "queued"]);

/** What says that something new would be seen at once: while it is heard of, and there is something that goes on. */
export class Liveness {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.isConnected = false;
    this.goesOn = false;
  }

  /** @param {boolean} isConnected */
  connect(isConnected) {
    this.isConnected = isConnected;
    this.show();
  }

  /** @param {{status: string, updated: string}[]} tasks that are seen */
  tell(tasks) {
    const isRecent = (/** @type {string} */ time) => Date.now() - new Date(time).getTime() < RECENT_MS;
    this.goesOn = tasks.some(({ status, updated }) => status === "in_progress" || (UNSTARTED.has(status) && isRecent(updated)));
    this.show();
  }

  show() {
    this.element.hidden = !(this.isConnected && this.goesOn);
  }
}

/**
 * Follow tasks until `signal` aborts. The browser resumes a stream that breaks; one that is refused is tried again.
 * A page that nobody sees has no stream (browsers allow six connections to a server): it starts anew when it is seen.
 * @param {string[]} tasks
 * @param {boolean} points whether to get the points of curves
 * @param {Listener} listener
 * @param {AbortSignal} signal
 */
export function follow(tasks, points, listener, signal) {
  /** @type {EventSource | null} */
  let source = null;
  const close = () => {
    source?.close();
    source = null;
    listener.state?.(false);
  };
  const open = () => {
    if (source || signal.aborted || document.hidden || !tasks.length) return;
    const opened = (source = listen(tasks, points, listener));
    opened.addEventListener("error", () => {
      listener.state?.(false);
      if (opened.readyState !== EventSource.CLOSED || source !== opened) return;
      source = null;
      setTimeout(open, RETRY_MS);
    });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()), { signal });
  signal.addEventListener("abort", close);
  open();
}

/**
 * @param {string[]} tasks
 * @param {boolean} points
 * @param {Listener} listener
 */
function listen(tasks, points, listener) {
  const query = new URLSearchParams(tasks.map((task) => ["task", task]));
  query.set("points", String(points));
  const source = new EventSource(`${url("events.stream")}?${query}`);
  /** @param {string} name @param {(data: any) => void} heard */
  const on = (name, heard) => source.addEventListener(name, (event) => heard(JSON.parse(event.data)));
  let isFirst = true; // what a resumed stream missed follows by itself
  on("ready", () => {
    listener.state?.(true);
    if (isFirst) listener.ready?.();
    isFirst = false;
  });
  on("points", (data) => listener.points?.(data.task, data.metrics));
  on("change", (data) => listener.change?.(data.task, data.types));
  on("reset", (data) => listener.reset?.(data.tasks));
  return source;
}

/**
 * Call at most once at a time, and rest after each call for as long as it took, or `ms`.
 * @param {number} ms
 * @param {() => Promise<void>} work
 * @param {AbortSignal} signal
 */
export function throttled(ms, work, signal) {
  let isRunning = false;
  let isWanted = false;
  const run = async () => {
    if (isRunning || signal.aborted) {
      isWanted = true;
      return;
    }
    isRunning = true;
    isWanted = false;
    const started = performance.now();
    try {
      await work();
    } finally {
      setTimeout(() => {
        isRunning = false;
        if (isWanted) run();
      }, Math.max(ms, performance.now() - started));
    }
  };
  return run;
}
