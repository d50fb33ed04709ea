/** How long after a press another one at the same place may be the second half of a double click, in milliseconds. */
const WITHIN = 400;
/** How far a hand moves between the two, in pixels. */
const NEAR = 4;

/**
 * Keeps the second half of a double click from a button that came under the pointer by the first one, and from a button that is marked
 * `data-once`, which begins something that must not be begun twice. Gives the function that ends this.
 */
export function ignoreSecondHalves(): () => void {
  let last: { at: number; x: number; y: number; button: Element } | null = null;
  function onClick(event: MouseEvent) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    // A key presses without a place.
    if (!button || event.detail === 0) return;
    const before = last;
    last = { at: event.timeStamp, x: event.clientX, y: event.clientY, button };
    if (!before || event.timeStamp - before.at > WITHIN) return;
    if (button === before.button) {
      if (button.dataset["once"] === undefined) return;
    } else if ((event.clientX === 0 && event.clientY === 0) || Math.abs(event.clientX - before.x) > NEAR || Math.abs(event.clientY - before.y) > NEAR) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
  document.addEventListener("click", onClick, true);
  return () => document.removeEventListener("click", onClick, true);
}
