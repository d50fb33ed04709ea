const LOOK_EVERY = 60;
const LOOK_FOR = 3000;

/** The title of the screen. */
const title = () => document.querySelector<HTMLElement>("main h1");

/**
 * What was pressed is about to go, and the focus with it: as soon as nothing has it, the keyboard goes on at `next`, else at
 * the title. Whatever else takes the focus meanwhile keeps it.
 */
export function whenFocusIsLost(next: () => HTMLElement | null | undefined = title): void {
  let looks = LOOK_FOR / LOOK_EVERY;
  let lost = false;
  const timer = setInterval(() => {
    looks -= 1;
    if (typeof document === "undefined" || looks < 0) return clearInterval(timer);
    const nothing = document.activeElement === null || document.activeElement === document.body;
    // A dialog that closes gives the focus back itself, a moment later.
    if (!nothing || !lost) {
      lost = nothing;
      return;
    }
    clearInterval(timer);
    (next() ?? title())?.focus({ preventScroll: true });
  }, LOOK_EVERY);
}
