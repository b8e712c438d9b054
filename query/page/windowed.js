// Rows of one height, of which only those near the visible part are in the document.

const OVERSCAN = 20; // rows above and below, so that tabbing and slow scrolling find them there

export class Windowed {
  /**
   * `scroller` scrolls; `body` gets `--before` and `--after`, the heights of what is not there.
   * @param {HTMLElement} scroller
   * @param {HTMLElement} body
   * @param {(first: number, last: number) => void} draw `last` excluded
   * @param {AbortSignal} signal
   */
  constructor(scroller, body, draw, signal) {
    this.scroller = scroller;
    this.body = body;
    this.draw = draw;
    this.total = 0;
    this.first = 0;
    this.last = 0;
    this.frame = 0;
    scroller.addEventListener("scroll", () => (this.frame ||= requestAnimationFrame(() => this.update())), { passive: true });
    const observer = new ResizeObserver(() => this.update());
    observer.observe(scroller);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** px of one row, as the style sheet says. */
  get height() {
    return Number.parseFloat(getComputedStyle(this.body).getPropertyValue("--row")) || 64;
  }

  /** @param {number} total */
  resize(total) {
    this.total = total;
    this.update(true);
  }

  update(isNew = false) {
    this.frame = 0;
    const { height } = this;
    const seen = Math.ceil((this.scroller.clientHeight || innerHeight) / height);
    const top = Math.floor(this.scroller.scrollTop / height);
    const first = Math.max(0, Math.min(top, this.total - seen) - OVERSCAN);
    const last = Math.min(this.total, top + seen + OVERSCAN);
    if (!isNew && first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    this.body.style.setProperty("--before", `${first * height}px`);
    this.body.style.setProperty("--after", `${Math.max(0, this.total - last) * height}px`);
    this.draw(first, last);
  }
}
