import type { EntryFilter } from "./queries";

/** What a run's records are filtered by, as the address of the screen keeps it. */
export interface FilterSearch {
  situation?: string;
  action?: string;
  failed?: true;
  stale?: true;
  q?: string;
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

export function readFilter(search: Record<string, unknown>): FilterSearch {
  return { situation: text(search["situation"]), action: text(search["action"]), failed: search["failed"] === true || undefined, stale: search["stale"] === true || undefined, q: text(search["q"]) };
}

export function filterOf({ situation, action, failed, stale, q }: FilterSearch): EntryFilter {
  return { situation: situation ?? null, action: action ?? null, failed: failed === true, stale: stale === true, search: q ?? "" };
}

export function searchOf({ situation, action, failed, stale, search }: EntryFilter): FilterSearch {
  return { situation: situation ?? undefined, action: action ?? undefined, failed: failed || undefined, stale: stale || undefined, q: search || undefined };
}
