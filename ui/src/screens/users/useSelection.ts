import { useCallback, useMemo, useState } from "react";

import type { UserRow } from "../../backend/bindings/UserRow";
import type { Selection } from "../../parts/VirtualTable";

export interface Picked {
  ids: string[];
  selection: Selection<UserRow>;
  /** Picks these, loaded or not. */
  pick: (ids: string[]) => void;
  clear: () => void;
}

/** The objects of a list that are picked, by id: they stay picked when the list is sorted or searched anew. */
export function useSelection(rows: UserRow[]): Picked {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [anchor, setAnchor] = useState<string | null>(null);

  const toggle = useCallback(
    (row: UserRow, through: boolean) => {
      const on = !ids.has(row.id);
      const from = rows.findIndex(({ id }) => id === anchor);
      const to = rows.findIndex(({ id }) => id === row.id);
      const span = through && from >= 0 && to >= 0 ? rows.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
      setIds((old) => {
        const next = new Set(old);
        for (const { id } of span) {
          if (on) next.add(id);
          else next.delete(id);
        }
        return next;
      });
      setAnchor(row.id);
    },
    [anchor, ids, rows],
  );

  const all = rows.length > 0 && rows.every(({ id }) => ids.has(id)) ? "all" : ids.size > 0 ? "some" : "none";
  const toggleAll = useCallback(() => setIds((old) => (all === "all" ? new Set() : new Set([...old, ...rows.map(({ id }) => id)]))), [all, rows]);
  const clear = useCallback(() => setIds(new Set()), []);
  const pick = useCallback((next: string[]) => setIds(new Set(next)), []);
  const selection = useMemo((): Selection<UserRow> => ({ has: (key) => ids.has(key), toggle, toggleAll, all }), [ids, toggle, toggleAll, all]);
  return useMemo(() => ({ ids: [...ids], selection, pick, clear }), [ids, selection, pick, clear]);
}
