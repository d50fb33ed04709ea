import { expect, test } from "vitest";

import { chartOf, dayWords, line } from "./chart";

const days = (...users: (number | null)[]) => users.map((n, i) => ({ day: `2026-11-${String(i + 1).padStart(2, "0")}`, users: n }));

test("days before the first look are left out, and the line spans the height", () => {
  const { points, low, high } = chartOf(days(null, 10, 20, 15), 300, 100);
  expect([low, high]).toEqual([10, 20]);
  expect(points.map(({ x, y, users }) => [x, y, users])).toEqual([
    [100, 100, 10],
    [200, 0, 20],
    [300, 50, 15],
  ]);
  expect(line(points)).toBe("M100.0 100.0L200.0 0.0L300.0 50.0");
});

test.each([
  ["nothing is known", days(null, null), []],
  ["no days", [], []],
  ["one day", days(null, 5), [[300, 50]]],
  ["a flat line runs through the middle", days(5, 5), [[0, 50], [300, 50]]],
])("%s", (_, given, places) => {
  expect(chartOf(given, 300, 100).points.map(({ x, y }) => [x, y])).toEqual(places);
});

test("a day is told in words", () => {
  expect(dayWords("2026-11-01")).toBe("1 Nov");
  expect(dayWords("nonsense")).toBe("nonsense");
});
