import { useEffect, useRef, useState } from "react";

/**
 * Leads whoever pressed Save to the first field of a form that stands in the way, as soon as it is marked: it may be out of sight, in a
 * part that is closed, or on a tab that is only being opened. Gives the function that begins to look.
 */
export function useSeekFault(form: string): () => void {
  const seeking = useRef(false);
  const [, look] = useState(0);
  useEffect(() => {
    const field = seeking.current ? document.getElementById(form)?.querySelector<HTMLElement>("[aria-invalid=true]") : null;
    if (!field) return;
    seeking.current = false;
    for (let part = field.closest("details"); part; part = part.parentElement?.closest("details") ?? null) part.open = true;
    field.focus();
    // What is wrong with it stands below it.
    field.scrollIntoView?.({ block: "center" });
  });
  return () => {
    seeking.current = true;
    look((times) => times + 1);
  };
}
