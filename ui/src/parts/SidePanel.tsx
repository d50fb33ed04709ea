import { type ReactNode, type Ref, useEffect } from "react";

/** What was opened of a list, beside it; over it where the window is narrow. Esc closes it. */
export function SidePanel({ label, onClose, ref, children }: { label: string; onClose: () => void; ref?: Ref<HTMLElement>; children: ReactNode }) {
  useEffect(() => {
    // The key that closes a list of choices is that list's; by the time it comes up to here, the list is closed.
    let takenByChoices = false;
    function onWayDown(event: KeyboardEvent) {
      takenByChoices = event.target instanceof Element && event.target.getAttribute("aria-expanded") === "true";
    }
    function onKeyDown(event: KeyboardEvent) {
      if (event.key === "Escape" && !event.defaultPrevented && !takenByChoices) onClose();
    }
    document.addEventListener("keydown", onWayDown, true);
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("keydown", onWayDown, true);
      document.removeEventListener("keydown", onKeyDown);
    };
  }, [onClose]);
  return (
    <aside ref={ref} aria-label={label} className="flex w-[400px] shrink-0 flex-col gap-4 overflow-y-auto border-l border-line bg-sunken p-4 max-[1100px]:absolute max-[1100px]:inset-y-0 max-[1100px]:right-0 max-[1100px]:z-20 max-[1100px]:shadow-float">
      {children}
    </aside>
  );
}
