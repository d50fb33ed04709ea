import { t } from "@lingui/core/macro";

import { DATES } from "../locales/language";
import { tenth } from "./numbers";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const sameYear = new Intl.DateTimeFormat(DATES, { day: "numeric", month: "short" });
const otherYear = new Intl.DateTimeFormat(DATES, { day: "numeric", month: "short", year: "numeric" });
const exactly = new Intl.DateTimeFormat(DATES, { dateStyle: "medium", timeStyle: "medium" });

function span(seconds: number): string {
  if (seconds < MINUTE) return t`${seconds} s`;
  return seconds < HOUR ? t`${Math.floor(seconds / MINUTE)} min` : t`${Math.floor(seconds / HOUR)} h`;
}

/** How long ago something was, in the fewest words. `now` may lag behind; nothing is ever "in" some time. */
export function ago(timestamp: string, now: number): string {
  const then = Date.parse(timestamp);
  if (Number.isNaN(then)) return timestamp;
  const seconds = Math.round((now - then) / 1000);
  if (seconds < 10) return t`just now`;
  if (seconds < DAY) return t`${span(seconds)} ago`;
  const date = new Date(then);
  return (date.getFullYear() === new Date(now).getFullYear() ? sameYear : otherYear).format(date);
}

/** How soon something comes. */
export function until(timestamp: string, now: number): string {
  const seconds = Math.round((Date.parse(timestamp) - now) / 1000);
  return seconds < 5 || Number.isNaN(seconds) ? t`now` : t`in ${span(seconds)}`;
}

/** Whether what is to come comes now. */
export function isNow(timestamp: string, now: number): boolean {
  return until(timestamp, now) === t`now`;
}

/** The whole date and time, for a tooltip. */
export function fullTime(timestamp: string): string {
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? timestamp : exactly.format(then);
}

/** 640 -> "0.6 s", 6100 -> "6 s", 125000 -> "2 min 5 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 100) return t`under ${tenth(0.1)} s`;
  if (milliseconds < 950) return t`${tenth(milliseconds / 1000)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < MINUTE) return t`${seconds} s`;
  if (seconds < HOUR) return t`${Math.floor(seconds / MINUTE)} min ${seconds % MINUTE} s`;
  return t`${Math.floor(seconds / HOUR)} h ${Math.floor((seconds % HOUR) / MINUTE)} min`;
}
