import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";

interface Drag {
  from: number;
  /** The gap that the row would fall into: before the row of this number. */
  gap: number;
}

/**
 * Rows that a person can put in another order: by dragging their handle, or with the arrow keys on it. It follows the
 * pointer by itself, because the window's own drag and drop is taken by the desktop.
 */
export function useReorder(count: number, onMove: (from: number, to: number) => void) {
  const rows = useRef(new Map<number, HTMLElement>());
  const handles = useRef(new Map<number, HTMLElement>());
  const follow = useRef<number | null>(null);
  const [drag, setDrag] = useState<Drag | null>(null);

  // The row that was moved by key keeps the focus in its new place.
  useEffect(() => {
    if (follow.current === null) return;
    handles.current.get(follow.current)?.focus();
    follow.current = null;
  });

  function gapAt(y: number): number {
    for (let index = 0; index < count; index++) {
      const box = rows.current.get(index)?.getBoundingClientRect();
      if (box && y < box.top + box.height / 2) return index;
    }
    return count;
  }

  function move(from: number, to: number) {
    if (to === from || to < 0 || to >= count) return;
    onMove(from, to);
  }

  return {
    /** Where a row's upper edge is marked as the place to fall into; `count` is below the last. */
    gap: drag && drag.gap !== drag.from && drag.gap !== drag.from + 1 ? drag.gap : null,
    dragged: drag?.from ?? null,
    row: (index: number) => (node: HTMLElement | null) => {
      if (node) rows.current.set(index, node);
      else rows.current.delete(index);
    },
    handle: (index: number) => ({
      ref: (node: HTMLElement | null) => {
        if (node) handles.current.set(index, node);
        else handles.current.delete(index);
      },
      onPointerDown: (event: PointerEvent) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ from: index, gap: index });
      },
      onPointerMove: (event: PointerEvent) => {
        if (drag) setDrag({ ...drag, gap: gapAt(event.clientY) });
      },
      onPointerUp: () => {
        if (!drag) return;
        setDrag(null);
        move(drag.from, drag.gap > drag.from ? drag.gap - 1 : drag.gap);
      },
      onPointerCancel: () => setDrag(null),
      onKeyDown: (event: KeyboardEvent) => {
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        event.stopPropagation();
        const to = index + (event.key === "ArrowUp" ? -1 : 1);
        if (to < 0 || to >= count) return;
        follow.current = to;
        move(index, to);
      },
    }),
  };
}
