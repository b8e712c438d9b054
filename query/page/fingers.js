// Fingers on an area: one that moves sideways chooses a range, two pinch; one that moves up or down scrolls the page.

/**
 * Places are px from the area's left edge. `choose`: from where a finger began to where it is; `pinch`: where both began
 * and where they are; `end`: no more of what was called last. `hold`: whether any is down; what lies under them must stay.
 * @typedef {{
 *   choose: (from: number, to: number) => void,
 *   pinch: (began: [number, number], now: [number, number]) => void,
 *   end: (isChosen: boolean) => void,
 *   hold: (isHeld: boolean) => void,
 * }} Gestures
 * @typedef {{x: number, y: number}} Point
 */

const SURE_PX = 8; // until it is clear where a finger goes

/** @param {HTMLElement} area @param {Gestures} gestures */
export function listen(area, gestures) {
  /** @type {"" | "unsure" | "choose" | "pinch"} */
  let doing = "";
  /** @type {Point[]} */
  let began = [];
  const place = (/** @type {Point} */ point) => point.x - area.getBoundingClientRect().left;
  const both = (/** @type {Point[]} */ points) => /** @type {[number, number]} */ (points.map(place).sort((a, b) => a - b));
  const finish = () => {
    if (doing === "choose" || doing === "pinch") gestures.end(doing === "choose");
    doing = "";
  };
  const start = (/** @type {TouchEvent} */ event) => {
    finish();
    gestures.hold(true);
    began = points(event);
    doing = began.length === 1 ? "unsure" : began.length === 2 ? "pinch" : "";
    if (doing === "pinch") event.preventDefault();
  };
  const move = (/** @type {TouchEvent} */ event) => {
    const now = points(event);
    if (doing === "unsure") doing = direction(began[0], now[0]);
    if (doing === "choose") gestures.choose(place(began[0]), place(now[0]));
    if (doing === "pinch") gestures.pinch(both(began), both(now));
    if (doing === "choose" || doing === "pinch") event.preventDefault();
  };
  const lift = (/** @type {TouchEvent} */ event) => {
    finish();
    if (!event.touches.length) gestures.hold(false);
  };
  area.addEventListener("touchstart", start, { passive: false });
  area.addEventListener("touchmove", move, { passive: false });
  area.addEventListener("touchend", lift);
  area.addEventListener("touchcancel", lift);
}

/** Where the fingers are; some browsers change the touches of an event afterwards. @param {TouchEvent} event @returns {Point[]} */
function points(event) {
  return [...event.touches].map(({ clientX, clientY }) => ({ x: clientX, y: clientY }));
}

/** @param {Point} from @param {Point} to */
function direction(from, to) {
  const [across, along] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  if (Math.max(across, along) < SURE_PX) return "unsure";
  return across > along ? "choose" : "";
}
