import { t } from "@lingui/core/macro";
import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from "react";

/** The title that had the focus has just gone. */
let titleGone = false;

/** While a screen is read its frame may be drawn anew; the title that stands in for the one with the focus takes that over. */
function useTitle() {
  const title = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    const drawn = title.current;
    // Tabs draw their children a second time, out of sight, to learn which tabs there are.
    if (!drawn?.isConnected) return;
    if (titleGone && document.activeElement === document.body) drawn.focus({ preventScroll: true });
    titleGone = false;
    return () => {
      titleGone = document.activeElement === drawn;
    };
  }, []);
  return title;
}

/**
 * The frame of a screen: a head that stays, a body that scrolls. `title` is the screen's only h1. With `flush` the body
 * gives its whole height to the content, which then scrolls by itself (long tables).
 */
export function Page({ title, told, trail, beside, actions, below, flush = false, children }: {
  title: string;
  /** What is read out after the title when the screen opens. */
  told?: string;
  /** Where the screen belongs: the links before its title. */
  trail?: ReactNode;
  beside?: ReactNode;
  actions?: ReactNode;
  below?: ReactNode;
  flush?: boolean;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = t`${title} \u2013 Concord`;
  }, [title]);
  const heading = useTitle();
  const toldId = useId();
  return (
    <div className="flex h-full min-w-0 flex-col">
      <header className="shrink-0 border-b border-line px-6 pt-3 pb-3">
        <div className="flex min-h-8 items-center gap-x-3 gap-y-2 max-[860px]:flex-wrap">
          <div className="flex min-w-0 flex-1 items-baseline gap-2 max-[860px]:basis-full max-[860px]:flex-wrap">
            {trail && <span className="flex shrink-0 gap-2 text-soft">{trail}<span aria-hidden="true">/</span></span>}
            {/* The focus comes here when the screen opens. */}
            <h1 ref={heading} tabIndex={-1} aria-describedby={told === undefined ? undefined : toldId} className="truncate text-lg font-semibold focus-visible:outline-none" title={title}>
              <bdi>{title}</bdi>
            </h1>
            {told !== undefined && (
              <span id={toldId} hidden>
                {told}
              </span>
            )}
            {beside}
          </div>
          <div className="flex shrink-0 items-center gap-2 max-[860px]:min-w-0 max-[860px]:shrink max-[860px]:flex-wrap">{actions}</div>
        </div>
        {below}
      </header>
      {flush ? <div className="flex min-h-0 flex-1 flex-col">{children}</div> : <div className="relative min-h-0 flex-1 overflow-y-auto px-6 py-5">{children}</div>}
    </div>
  );
}

/** A part of a screen under its own heading. */
export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="mb-8 last:mb-0">
      <div className="mb-2 flex min-h-7 items-center gap-2">
        <h2 className="font-semibold">{title}</h2>
        <div className="ml-auto flex items-center gap-2">{aside}</div>
      </div>
      {children}
    </section>
  );
}

/** What stands where nothing is yet: why, and the button that changes it. */
export function Nothing({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-start gap-3 rounded-md border border-dashed border-line px-5 py-6 text-soft">
      <p className="wrap-anywhere">{children}</p>
      {action}
    </div>
  );
}

/** Grey lines in the place and height of what is being read. */
export function Skeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div aria-hidden="true" className="flex flex-col">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="flex h-8 items-center border-b border-line">
          <div className="h-2.5 animate-pulse-soft rounded-sm bg-line" style={{ width: `${55 - ((i * 13) % 34)}%` }} />
        </div>
      ))}
    </div>
  );
}
