import type { Doc } from "./document";

interface Step {
  /** What the document was before. */
  before: Doc;
  label: string;
  key: string;
}

/** A document and the edits that led to it. Typing in one field is one edit. */
export interface History {
  base: Doc;
  present: Doc;
  past: Step[];
  future: Step[];
}

export function startOf(base: Doc): History {
  return { base, present: base, past: [], future: [] };
}

export function edited(history: History, key: string, label: string, next: Doc): History {
  if (same(next, history.present)) return history;
  const last = history.past.at(-1);
  const joins = last !== undefined && last.key === key && history.future.length === 0;
  const past = joins ? history.past : [...history.past, { before: history.present, label, key }];
  return { ...history, present: next, past, future: [] };
}

export function undone(history: History): History {
  const last = history.past.at(-1);
  if (!last) return history;
  return { ...history, present: last.before, past: history.past.slice(0, -1), future: [{ ...last, before: history.present }, ...history.future] };
}

export function redone(history: History): History {
  const [next, ...future] = history.future;
  if (!next) return history;
  return { ...history, present: next.before, past: [...history.past, { ...next, before: history.present }], future };
}

/** The next edit is one of its own, even in the same field. */
export function sealed(history: History): History {
  const last = history.past.at(-1);
  return last && last.key !== "" ? { ...history, past: [...history.past.slice(0, -1), { ...last, key: "" }] } : history;
}

/** Edits that a save would keep; none where the document is what it was. */
export function changesOf(history: History): number {
  return same(history.base, history.present) ? 0 : history.past.length;
}

/** What is left once `saved`, which the history led to, is stored: the edits since then. Nothing where there are none. */
export function since(history: History, saved: Doc): History | null {
  if (same(history.present, saved)) return null;
  const at = history.past.findLastIndex(({ before }) => before === saved);
  if (at !== -1) return { ...history, base: saved, past: history.past.slice(at) };
  // It went on in the middle of an edit, or back behind what was saved: one step either way.
  const label = (history.past.at(-1) ?? history.future[0])?.label ?? "";
  return { base: saved, present: history.present, past: [{ before: saved, label, key: "" }], future: [] };
}

function same(a: Doc, b: Doc): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
