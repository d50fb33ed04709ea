import { type ParsedLocation, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";

/** A screen by its address; what only changes what it shows (a tab, a search) is left out, and a step of the wizard is a screen. */
function screenOf({ pathname, search }: ParsedLocation): string {
  if (pathname !== "/connectors/new") return pathname;
  const { system, name, step } = search as Record<string, unknown>;
  return [pathname, system, name, step].join(" ");
}

/** The title of the screen, where its reading begins. */
export function focusTitle(): void {
  // A list that comes back where it was left stays there.
  document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
}

/**
 * A change of the screen takes what was pressed away and says nothing: the focus goes to the new screen's title, which is then
 * read. Not at the start, and not where the screen has put it into a part of its own or somebody types.
 */
export function useScreenFocus(): void {
  const router = useRouter();
  useEffect(() => {
    let before: Element | null = null;
    const leaves = router.subscribe("onBeforeNavigate", () => {
      before = document.activeElement;
    });
    const arrived = router.subscribe("onRendered", ({ fromLocation, toLocation }) => {
      if (fromLocation && screenOf(fromLocation) !== screenOf(toLocation) && !isAtWork(document.activeElement, before)) focusTitle();
    });
    return () => {
      leaves();
      arrived();
    };
  }, [router]);
}

/** Whether the new screen, or a dialog in it, has the focus already. */
function isAtWork(active: Element | null, before: Element | null): boolean {
  if (!active?.closest("main, [role=dialog]")) return false;
  return active !== before || active.matches("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]");
}
