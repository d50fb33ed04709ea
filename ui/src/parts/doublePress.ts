/** How far a hand moves between the two presses of a double click, in pixels. */
const NEAR = 4;

/**
 * Keeps the second half of a double click from a button that came under the pointer by the first one, and from a button that is marked
 * `data-once`, which begins something that must not be begun twice. What a double click is, the system says (`detail`). Gives the
 * function that ends this.
 */
export function ignoreSecondHalves(): () => void {
  let first: { x: number; y: number; button: Element } | null = null;
  function onClick(event: MouseEvent) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    // A key presses without a place, and begins no double click.
    if (!button || event.detail === 0) return;
    const before = first;
    first = { x: event.clientX, y: event.clientY, button };
    if (!before || event.detail < 2) return;
    const moved = Math.abs(event.clientX - before.x) > NEAR || Math.abs(event.clientY - before.y) > NEAR;
    if (button === before.button ? button.dataset["once"] === undefined : moved) return;
    event.preventDefault();
    event.stopPropagation();
  }
  document.addEventListener("click", onClick, true);
  return () => document.removeEventListener("click", onClick, true);
}
