import { t } from "@lingui/core/macro";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { DATES } from "../../locales/language";

const HOUR = 3_600_000;

/** How much of the past is drawn. */
export const SPANS = [
  { value: "day", label: t`24 hours`, ms: 24 * HOUR },
  { value: "week", label: t`7 days`, ms: 7 * 24 * HOUR },
  { value: "month", label: t`30 days`, ms: 30 * 24 * HOUR },
] as const;
export type Span = (typeof SPANS)[number]["value"];

/** A run on its lane, in hundredths of the width. */
export interface Mark {
  run: RunSummary;
  left: number;
  width: number;
}

export interface Lane {
  mapping: string;
  marks: Mark[];
}

/** The runs of the last span, a lane for each mapping, the busiest first. */
export function lanes(runs: RunSummary[], now: number, ms: number): Lane[] {
  const begin = now - ms;
  const byMapping = new Map<string, Mark[]>();
  for (const run of runs) {
    const start = Date.parse(run.started);
    const end = run.ended === null ? now : Date.parse(run.ended);
    if (Number.isNaN(start) || Number.isNaN(end) || end < begin || start > now) continue;
    const left = (Math.max(0, start - begin) / ms) * 100;
    const width = (Math.max(0, Math.min(end, now) - Math.max(start, begin)) / ms) * 100;
    const marks = byMapping.get(run.mapping) ?? [];
    marks.push({ run, left, width: Math.min(width, 100 - left) });
    byMapping.set(run.mapping, marks);
  }
  return [...byMapping.entries()].map(([mapping, marks]) => ({ mapping, marks })).toSorted((a, b) => b.marks.length - a.marks.length || a.mapping.localeCompare(b.mapping));
}

/** Where the lines of the scale stand and what they say: full hours of a day, midnights of more. */
export function scale(now: number, span: Span): { at: number; label: string }[] {
  const { ms } = SPANS.find(({ value }) => value === span) ?? SPANS[0];
  const step = span === "day" ? 4 * HOUR : span === "week" ? 24 * HOUR : 5 * 24 * HOUR;
  const lines: { at: number; label: string }[] = [];
  const first = new Date(now);
  if (span === "day") first.setMinutes(0, 0, 0);
  else first.setHours(0, 0, 0, 0);
  for (let time = first.getTime(); time > now - ms; time -= step) {
    lines.push({ at: ((time - (now - ms)) / ms) * 100, label: (span === "day" ? clock : date).format(time) });
  }
  return lines.toReversed();
}

const clock = new Intl.DateTimeFormat(DATES, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(DATES, { weekday: "short", day: "numeric", month: "short" });
