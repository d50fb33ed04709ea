import { expect, test } from "vitest";

import { reconcileLabel } from "./run";
import { ago, duration, until } from "./time";
import { cellText, shortId, valueText } from "./value";

const NOW = Date.parse("2026-06-15T12:00:00Z");
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

test.each([
  [-15, "just now"],
  [3, "just now"],
  [42, "42 s ago"],
  [61, "1 min ago"],
  [7200, "2 h ago"],
  [86_400 * 3, "12 Jun"],
  [86_400 * 400, "11 May 2025"],
])("%d seconds back is %s", (seconds, words) => {
  expect(ago(before(seconds), NOW)).toBe(words);
});

test("what comes is said as coming", () => {
  expect(until(before(-180), NOW)).toBe("in 3 min");
  expect(until(before(5), NOW)).toBe("now");
});

test.each([
  [640, "0.6 s"],
  [6100, "6 s"],
  [125_000, "2 min 5 s"],
  [3_720_000, "1 h 2 min"],
])("%d ms is %s", (milliseconds, words) => {
  expect(duration(milliseconds)).toBe(words);
});

test("a button names its number", () => {
  expect([1, 12, 4815].map(reconcileLabel)).toEqual(["Reconcile 1 change", "Reconcile 12 changes", "Reconcile 4,815 changes"]);
});

test("values are text, whatever they were", () => {
  expect([null, "Li", 3, true, ["a"]].map(valueText)).toEqual(["empty", '"Li"', "3", "true", '["a"]']);
  expect([undefined, "Li", 3, false, { a: 1 }].map(cellText)).toEqual(["", "Li", "3", "no", '{"a":1}']);
  expect(shortId("019a98c4-7812-78dd-a82f-6246486898c4")).toBe("019a\u202698c4");
});
