import { expect, test } from "vitest";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { lanes, scale } from "./timeline";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-06-12T12:00:00Z");

function run(mapping: string, hoursAgo: number, hours: number | null): RunSummary {
  const started = NOW - hoursAgo * HOUR;
  return { id: `${mapping}-${hoursAgo}`, mapping, mode: "reconcile", state: hours === null ? "active" : "success", stage: "", stageDescription: "", started: new Date(started).toISOString(), ended: hours === null ? null : new Date(started + hours * HOUR).toISOString(), durationMs: 0, processed: 0, total: null, changes: 0, done: 0, failed: 0, stale: 0, needsYou: 0, calls: 0, undoes: null, message: null };
}

test("each mapping has a lane, and a run stands where it was", () => {
  const found = lanes([run("a", 6, 1.2), run("b", 1, null), run("a", 13, 2), run("old", 40, 1), run("a", 1, 0)], NOW, 12 * HOUR);
  expect(found.map(({ mapping, marks }) => [mapping, marks.length])).toEqual([["a", 3], ["b", 1]]);
  const [a, b] = found;
  expect(a?.marks.map(({ left, width }) => [Math.round(left), Math.round(width)])).toEqual([[50, 10], [0, 8], [92, 0]]);
  // Under way until now.
  expect(b?.marks.map(({ left, width }) => Math.round(left + width))).toEqual([100]);
});

test("a run whose time nobody can read is left out", () => {
  expect(lanes([{ ...run("a", 1, 1), started: "soon" }], NOW, HOUR)).toEqual([]);
});

test("the scale has a few lines, oldest first, all of them inside", () => {
  for (const span of ["day", "week", "month"] as const) {
    const lines = scale(NOW, span);
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.length).toBeLessThan(9);
    expect(lines.every(({ at }, i) => at >= 0 && at <= 100 && at > (lines[i - 1]?.at ?? -1))).toBe(true);
  }
});
