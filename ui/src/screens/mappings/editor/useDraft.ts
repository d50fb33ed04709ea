import { useCallback, useEffect, useMemo, useState } from "react";

import type { Doc } from "./document";
import { changesOf, edited, type History, redone, sealed, since, startOf, undone } from "./history";

export interface Draft {
  doc: Doc;
  /** Edits that a save would keep. */
  changes: number;
  /** What Undo would take back; nothing where there is nothing to take back. */
  last: string | null;
  /** Makes an edit. Edits of one key in a row are one edit to undo. */
  edit: (key: string, label: string, change: (doc: Doc) => Doc) => void;
  /** The field was left: what is typed next is an edit of its own. */
  seal: () => void;
  undo: () => void;
  redo: () => void;
  undoAll: () => void;
  /** A document of this draft is stored now: what was edited since then is kept. */
  saved: (doc: Doc) => void;
  /** Whether there are edits, to undo or to redo. */
  begun: boolean;
}

/** The mapping as it is edited. It follows what is stored until the first edit. */
export function useDraft(stored: Doc): Draft {
  const [history, setHistory] = useState<History | null>(null);
  const update = useCallback((change: (history: History) => History) => setHistory((old) => {
    const next = change(old ?? startOf(stored));
    return next.past.length === 0 && next.future.length === 0 ? null : next;
  }), [stored]);

  const draft = useMemo(
    (): Draft => ({
      doc: history?.present ?? stored,
      changes: history ? changesOf(history) : 0,
      last: history?.past.at(-1)?.label ?? null,
      edit: (key, label, change) => update((old) => edited(old, key, label, change(old.present))),
      seal: () => setHistory((old) => old && sealed(old)),
      undo: () => update(undone),
      redo: () => update(redone),
      undoAll: () => setHistory(null),
      saved: (doc) => setHistory((old) => old && since(old, doc)),
      begun: history !== null,
    }),
    [history, stored, update],
  );

  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented || isText(event)) return;
      const key = event.key.toLowerCase();
      const redo = key === "y" || (key === "z" && event.shiftKey);
      if (key !== "z" && !redo) return;
      event.preventDefault();
      if (redo) draft.redo();
      else draft.undo();
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [draft]);

  return draft;
}

/** Text fields undo their own typing. */
function isText(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && (target.isContentEditable || target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "checkbox" && target.type !== "radio"));
}
