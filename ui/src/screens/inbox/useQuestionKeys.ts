import { useEffect, useRef } from "react";

/** Keys that go from question to question; the words are read in the list of shortcuts as well. */
const STEPS: Record<string, number> = { j: 1, k: -1 };

/**
 * Lets `j` and `k` go from question to question, so that Tab only has to walk through one. After an answer the focus is at
 * the question that took the answered one's place, not at the top of the window; after the last one, at the title.
 */
export function useQuestionKeys() {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const heads = () => [...(list.current?.querySelectorAll<HTMLElement>("[data-question]") ?? [])];
    const at = () => heads().findIndex((head) => head.closest("li")?.contains(document.activeElement));
    let last = 0;
    let inside = false;

    function onKeyDown(event: KeyboardEvent) {
      const step = STEPS[event.key];
      const target = event.target;
      if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || (target instanceof HTMLElement && target.closest("input:not([type=radio]), textarea, select, [contenteditable], dialog, [role=dialog]"))) return;
      const found = heads();
      if (found.length === 0) return;
      event.preventDefault();
      const now = at();
      found[Math.min(Math.max(now < 0 ? 0 : now + step, 0), found.length - 1)]?.focus();
    }

    function onFocus() {
      const now = at();
      inside = now >= 0;
      if (inside) last = now;
    }

    function onPointerDown(event: PointerEvent) {
      inside = event.target instanceof Node && (list.current?.contains(event.target) ?? false);
    }

    const gone = new MutationObserver(() => {
      if (!inside || document.activeElement !== document.body) return;
      const found = heads();
      (found[Math.min(last, found.length - 1)] ?? document.querySelector<HTMLElement>("main h1"))?.focus();
    });
    document.addEventListener("keydown", onKeyDown);
    document.addEventListener("focusin", onFocus);
    document.addEventListener("pointerdown", onPointerDown);
    gone.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener("keydown", onKeyDown);
      document.removeEventListener("focusin", onFocus);
      document.removeEventListener("pointerdown", onPointerDown);
      gone.disconnect();
    };
  }, []);
  return list;
}
