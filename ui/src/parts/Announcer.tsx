import { useSyncExternalStore } from "react";

const STAYS = 4000;
/** What somebody has to do something about. */
const STAYS_LONGER = 15_000;

let text = "";
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function set(next: string) {
  text = next;
  for (const listener of listeners) listener();
}

/** Says something that just happened: seen for a moment at the foot of the window, longer if there is something to do, and read out. */
export function announce(message: string, { toDo = false } = {}): void {
  clearTimeout(timer);
  set(message);
  timer = setTimeout(() => set(""), toDo ? STAYS_LONGER : STAYS);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Announcer() {
  const message = useSyncExternalStore(subscribe, () => text);
  return (
    // Beside the sidebar, which it must not cover.
    <div role="status" className="pointer-events-none fixed right-0 bottom-4 left-44 z-50 flex justify-center px-6">
      {message && <div className="line-clamp-2 rounded-md bg-ink px-3 py-2 text-surface">{message}</div>}
    </div>
  );
}
