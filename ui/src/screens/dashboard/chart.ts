import type { DayFigures } from "../../backend/bindings/DayFigures";
import { DATES } from "../../locales/language";

/** A point of the chart: its place in the drawing, and what it stands for. */
export interface Point {
  x: number;
  y: number;
  day: string;
  users: number;
}

export interface Chart {
  points: Point[];
  /** The numbers at the lower and the upper edge. */
  low: number;
  high: number;
}

/** Places each day on which the number of users is known in a drawing of this size. A flat line runs through the middle. */
export function chartOf(days: DayFigures[], width: number, height: number): Chart {
  const known = days.flatMap(({ day, users }, index) => (users === null ? [] : [{ day, users, index }]));
  const numbers = known.map(({ users }) => users);
  const low = numbers.length > 0 ? Math.min(...numbers) : 0;
  const high = numbers.length > 0 ? Math.max(...numbers) : 0;
  const step = days.length > 1 ? width / (days.length - 1) : 0;
  const scale = (users: number) => (high === low ? height / 2 : height - ((users - low) / (high - low)) * height);
  return { points: known.map(({ day, users, index }) => ({ x: index * step, y: scale(users), day, users })), low, high };
}

/** The points as the path of a line. */
export function line(points: Point[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

const DAY = new Intl.DateTimeFormat(DATES, { day: "numeric", month: "short", timeZone: "UTC" });

/** "2026-11-21" -> "21 Nov". */
export function dayWords(day: string): string {
  const at = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(at) ? day : DAY.format(at);
}
