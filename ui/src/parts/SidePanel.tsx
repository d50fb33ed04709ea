import { type ReactNode, type Ref, useEffect } from "react";

/**
 * What was opened of a list, beside it; over it where the window is narrow. Esc closes it. The footer stays in sight, and moves nothing
 * of what is above it when it grows.
 */
export function SidePanel({ label, onClose, ref, footer, children }: { label: string; onClose: () => void; ref?: Ref<HTMLElement>; footer?: ReactNode; children: ReactNode }) {
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
    <aside ref={ref} aria-label={label} className="flex w-[400px] shrink-0 flex-col border-l border-line bg-sunken max-[1100px]:absolute max-[1100px]:inset-y-0 max-[1100px]:right-0 max-[1100px]:z-20 max-[1100px]:shadow-float">
      <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto p-4">{children}</div>
      {footer}
    </aside>
  );
}
