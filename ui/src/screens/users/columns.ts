import { useState } from "react";

import type { Kind } from "./kind";

const key = (kind: string) => `columns ${kind}`;

/** The attributes that a list shows: the person's choice, else those that are searchable. */
export function useColumnNames(kind: Kind | undefined): [string[], (names: string[] | null) => void] {
  const [, setChanged] = useState(0);
  if (!kind) return [[], () => undefined];
  const set = (names: string[] | null) => {
    if (names === null) localStorage.removeItem(key(kind.name));
    else localStorage.setItem(key(kind.name), JSON.stringify(names));
    setChanged((n) => n + 1);
  };
  return [chosenColumns(kind, localStorage.getItem(key(kind.name))), set];
}

/** What was stored, without the attributes that the type has no more. */
export function chosenColumns(kind: Kind, stored: string | null): string[] {
  const known = new Set(kind.attributes.map(({ name }) => name));
  let names: unknown;
  try {
    names = JSON.parse(stored ?? "null");
  } catch {
    names = null;
  }
  const chosen = Array.isArray(names) ? names.filter((name): name is string => typeof name === "string" && known.has(name)) : [];
  if (chosen.length > 0) return chosen;
  const searchable = kind.attributes.filter(({ searchable: yes }) => yes).map(({ name }) => name);
  return searchable.length > 0 ? searchable : kind.attributes.slice(0, 5).map(({ name }) => name);
}
