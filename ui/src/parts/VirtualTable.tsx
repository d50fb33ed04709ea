import { t } from "@lingui/core/macro";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { Fragment, type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";

import { Icon } from "./Icon";

const ROW = 32;
/** The head stays above the rows and takes its height from what is in view of them. */
const HEAD = 28;
const NEAR_END = 30;
/** Rows that are shown as on their way beyond those that are here: enough to scroll far, few enough for any browser's longest page. */
const AHEAD = 10_000;
const ROOMY = "max-[1100px]:hidden";
/** The first drawing happens before the frame is measured: rows enough for a common window, so that none is ever blank. */
const BEFORE_MEASURED = { width: 0, height: 800 };

/** Where each table was left, by its label. */
const left = new Map<string, { place: string; offset: number; current: number }>();

export interface Column<R> {
  key: string;
  title: string;
  /** A CSS width; without one the column shares what is left. */
  width?: string;
  sortable?: boolean;
  numeric?: boolean;
  /** Left out where the window is narrow. */
  roomy?: boolean;
  cell: (row: R) => ReactNode;
}

export interface Sort {
  key: string;
  descending: boolean;
}

/** Rows that are picked for something to be done with all of them. */
export interface Selection<R> {
  has: (key: string) => boolean;
  /** Picks a row or lets it go; with `through`, also all rows between it and the one before. */
  toggle: (row: R, through: boolean) => void;
  /** All rows that are loaded, or none. */
  toggleAll: () => void;
  all: "all" | "some" | "none";
}

/**
 * A table of any length: only the rows in view exist, the next page is asked for as its place comes near. However fast
 * somebody scrolls, each place in view shows a row or that one is on its way. The first column is the row's header and
 * opens it; arrows move between rows, Enter opens, End goes to the last row that there is.
 */
export function VirtualTable<R>({ label, columns, rows, rowKey, rowName, total, onOpen, onMove, openKey, onNearEnd, sort, onSort, place, selection }: {
  label: string;
  columns: Column<R>[];
  rows: R[];
  rowKey: (row: R) => string;
  rowName: (row: R) => string;
  total: number;
  onOpen: (row: R) => void;
  /** The arrows came to another row. */
  onMove?: (row: R) => void;
  /** The row whose details are open beside the table. */
  openKey?: string | null;
  onNearEnd: () => void;
  sort?: Sort | null;
  onSort?: (sort: Sort) => void;
  /** What the rows are a list of, a search for example: the same list comes back where it was left, another one begins at its top. */
  place?: string;
  /** With it, rows have a box to be ticked; the space bar ticks the row that has the focus. */
  selection?: Selection<R>;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const [before] = useState(() => (place !== undefined && left.get(label)?.place === place ? left.get(label) : undefined));
  const [current, setCurrent] = useState(before?.current ?? 0);
  // The row that is to have the focus once it is the active one.
  const wantsFocus = useRef<number | null>(null);
  const active = Math.min(current, Math.max(rows.length - 1, 0));
  const coming = Math.min(Math.max(total - rows.length, 0), AHEAD);
  const virtual = useVirtualizer({
    count: rows.length + coming,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 12,
    scrollPaddingEnd: HEAD,
    initialRect: BEFORE_MEASURED,
    initialOffset: before?.offset ?? 0,
    // The row that the keys act on is always there: one that was scrolled out of the page would take the focus with it.
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), ...(rows.length > 0 ? [active] : [])])].toSorted((a, b) => a - b),
  });
  const items = virtual.getVirtualItems();
  const last = virtual.range?.endIndex ?? -1;

  useEffect(() => {
    if (last >= rows.length - NEAR_END && rows.length < total) onNearEnd();
  }, [last, rows.length, total, onNearEnd]);

  // Somebody who pressed End is taken along as the pages come.
  const wantsEnd = useRef(false);
  useEffect(() => {
    if (!wantsEnd.current) return;
    if (coming === 0) wantsEnd.current = false;
    const end = Math.max(rows.length - 1, 0);
    wantsFocus.current = coming === 0 ? end : null;
    setCurrent(end);
    virtual.scrollToIndex(rows.length + coming - 1);
  }, [rows.length, coming, virtual]);

  const shownPlace = useRef(place);
  useEffect(() => {
    if (shownPlace.current === place) return;
    shownPlace.current = place;
    setCurrent(0);
    virtual.scrollToOffset(0);
  }, [place, virtual]);

  useLayoutEffect(() => {
    const scrolled = frame.current;
    return () => {
      if (place !== undefined && scrolled) left.set(label, { place, offset: scrolled.scrollTop, current });
    };
  }, [label, place, current]);

  useEffect(() => {
    if (wantsFocus.current !== active) return;
    const button = frame.current?.querySelector<HTMLElement>(`[data-row="${active}"]`);
    if (button) {
      wantsFocus.current = null;
      button.focus({ preventScroll: true });
      virtual.scrollToIndex(active);
    }
  });

  function onKeyDown(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? ROW) / ROW) - 2);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length };
    const step = steps[event.key];
    const focused = rows[active];
    if (event.key === " " && selection && focused !== undefined) {
      event.preventDefault();
      selection.toggle(focused, event.shiftKey);
    }
    if (step === undefined) return;
    event.preventDefault();
    wantsEnd.current = event.key === "End" && coming > 0;
    // A row that goes out of view would take the focus with it, and the next key would go nowhere.
    if (Math.abs(step) > 1) frame.current?.focus({ preventScroll: true });
    if (wantsEnd.current) {
      virtual.scrollToIndex(rows.length + coming - 1);
      return;
    }
    const next = Math.min(Math.max(active + step, 0), rows.length - 1);
    wantsFocus.current = next;
    setCurrent(next);
    virtual.scrollToIndex(next);
    const row = rows[next];
    if (row !== undefined) onMove?.(row);
  }

  const width = columns.length + (selection ? 1 : 0);
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const onTheirWay = (height: number) =>
    height > 0 && (
      <tr className="on-its-way" aria-hidden="true">
        <td colSpan={width} style={{ height }} />
      </tr>
    );

  return (
    // Its rows are what can be pressed; it hears their keys for them, also when the row that had the focus is out of view.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      ref={frame}
      tabIndex={-1}
      className="min-h-0 flex-1 overflow-y-auto outline-none [overflow-anchor:none]"
      onKeyDown={(event) => {
        if (event.target === frame.current || (event.target as HTMLElement).dataset["row"] !== undefined) onKeyDown(event);
      }}
      onWheel={() => {
        wantsEnd.current = false;
      }}
    >
      <table className="rows full" aria-label={label} aria-rowcount={total + 1}>
        <colgroup>
          {selection && <col style={{ width: "48px" }} />}
          {columns.map((column) => (
            <col key={column.key} className={column.roomy ? ROOMY : undefined} style={{ width: column.width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {selection && (
              <th scope="col" className="sticky top-0 z-10 bg-surface pr-0!">
                <input
                  type="checkbox"
                  aria-label={t`Select all rows`}
                  className="size-3.5 align-middle accent-accent-fill"
                  checked={selection.all === "all"}
                  ref={(box) => {
                    if (box) box.indeterminate = selection.all === "some";
                  }}
                  onChange={selection.toggleAll}
                />
              </th>
            )}
            {columns.map((column) => {
              const sorted = sort?.key === column.key ? (sort.descending ? "descending" : "ascending") : undefined;
              return (
                <th key={column.key} scope="col" aria-sort={sorted} className={`sticky top-0 z-10 bg-surface ${column.numeric ? "number" : ""} ${column.roomy ? ROOMY : ""}`}>
                  {column.sortable && onSort ? (
                    <button
                      type="button"
                      className="inline-flex items-center gap-1 rounded-sm hover:text-ink"
                      onClick={() => onSort({ key: column.key, descending: sorted === "ascending" })}
                    >
                      {column.title}
                      {sorted && <Icon name={sorted === "ascending" ? "up" : "down"} size={12} />}
                    </button>
                  ) : (
                    column.title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {items.map((item, at) => {
            const row = rows[item.index];
            const gap = onTheirWay(item.start - (items[at - 1]?.end ?? 0));
            if (row === undefined) {
              return (
                <Fragment key={`coming ${item.index}`}>
                  {gap}
                  {onTheirWay(item.size)}
                </Fragment>
              );
            }
            const open = openKey === rowKey(row);
            return (
              <Fragment key={rowKey(row)}>
                {gap}
                <tr aria-rowindex={item.index + 2} className={open ? "bg-picked" : "hover:bg-hover"} onClick={() => {
                  setCurrent(item.index);
                  onOpen(row);
                }}>
                  {selection && (
                    <td className="pr-0!">
                      <input
                        type="checkbox"
                        tabIndex={-1}
                        aria-label={t`Select ${rowName(row)}`}
                        className="size-3.5 align-middle accent-accent-fill"
                        checked={selection.has(rowKey(row))}
                        onChange={() => undefined}
                        onClick={(event) => {
                          event.stopPropagation();
                          selection.toggle(row, event.shiftKey);
                        }}
                      />
                    </td>
                  )}
                  {columns.map((column, index) =>
                    index === 0 ? (
                      <th key={column.key} scope="row">
                        <button
                          type="button"
                          data-row={item.index}
                          tabIndex={item.index === active ? 0 : -1}
                          aria-current={open || undefined}
                          title={rowName(row)}
                          className="block max-w-full truncate rounded-sm text-left font-medium"
                          onFocus={() => setCurrent(item.index)}
                        >
                          {column.cell(row)}
                        </button>
                      </th>
                    ) : (
                      <td key={column.key} className={`${column.numeric ? "number" : ""} ${column.roomy ? ROOMY : ""}`}>
                        {column.cell(row)}
                      </td>
                    ),
                  )}
                </tr>
              </Fragment>
            );
          })}
          {onTheirWay(below)}
        </tbody>
      </table>
    </div>
  );
}
