import { expect, test } from "vitest";

import type { RunSummary } from "../backend/bindings/RunSummary";
import { canGoOn, canUndo, carryOutLabel, lastRunWords, leftOver, runName, runOutcome, runPurpose, runResult, runState } from "./run";
import { ago, duration, until } from "./time";
import { cellText, shortId, valueText } from "./value";

const NOW = Date.parse("2026-06-15T12:00:00Z");
const RUN: RunSummary = { id: "run-1", mapping: "a mapping", mode: "preview", state: "planned", stage: "", stageDescription: "", started: "2026-06-15T12:00:00Z", ended: null, durationMs: 0, processed: 0, total: null, changes: 0, done: 0, failed: 0, stale: 0, needsYou: 0, calls: 0, undoes: null, message: null };
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
  [39, "under 0.1 s"],
  [640, "0.6 s"],
  [6100, "6 s"],
  [125_000, "2 min 5 s"],
  [3_720_000, "1 h 2 min"],
])("%d ms is %s", (milliseconds, words) => {
  expect(duration(milliseconds)).toBe(words);
});

test("a button names its number", () => {
  expect([1, 12, 4815].map((changes) => carryOutLabel({ ...RUN, changes }))).toEqual(["Reconcile 1 change", "Reconcile 12 changes", "Reconcile 4,815 changes"]);
  expect(carryOutLabel({ ...RUN, changes: 12, undoes: "run-1" })).toBe("Undo 12 changes");
});

test.each<{ what: string; run: Partial<RunSummary>; can: boolean }>([
  { what: "a finished run that wrote", run: { state: "success", done: 3 }, can: true },
  { what: "a canceled run that wrote", run: { state: "canceled", done: 1 }, can: true },
  { what: "a failed run that wrote", run: { state: "failed", done: 1 }, can: true },
  { what: "an interrupted run that wrote", run: { state: "interrupted", done: 1 }, can: true },
  { what: "an undo that wrote", run: { state: "success", done: 3, undoes: "run-1" }, can: true },
  { what: "a finished run that wrote nothing", run: { state: "success", done: 0 }, can: false },
  { what: "a run under way", run: { state: "active", done: 3 }, can: false },
  { what: "a plan", run: { state: "planned", changes: 3 }, can: false },
  { what: "a held run", run: { state: "held", changes: 3 }, can: false },
])("$what can be undone: $can", ({ run, can }) => {
  expect(canUndo({ ...RUN, ...run })).toBe(can);
});

test.each<[Partial<RunSummary>, string, string]>([
  [{ stale: 2 }, "waits", "Partly done"],
  [{ stale: 2, failed: 1 }, "needs", "Some failed"],
  [{ done: 5 }, "fine", "Done"],
])("a run whose changes were not all made is not plainly done: %o", (run, tone, text) => {
  expect(runState({ ...RUN, state: "success", changes: 5, done: 3, ...run })).toEqual({ tone, text });
});

test("an undo is named after the run that it takes back", () => {
  const undo: RunSummary = { ...RUN, id: "run-2", undoes: RUN.id };
  expect(runName(undo)).toBe("Undo of an earlier run");
  expect(runName(undo, RUN)).toContain("Undo of the run of 15 Jun 2026");
  expect(runName(RUN)).toBe("Preview of a mapping");
  expect([undo, { ...undo, mode: "apply", done: 2 }, RUN, { ...RUN, mode: "apply" }].map((run) => runPurpose(run as RunSummary))).toEqual(["Undo preview", "Undo", "Preview", "Reconcile a plan"]);
});

test("values are text, whatever they were", () => {
  expect([null, "Li", 3, true, ["a"]].map(valueText)).toEqual(["empty", '"Li"', "3", "true", '["a"]']);
  expect([undefined, "Li", 3, false, { a: 1 }].map(cellText)).toEqual(["", "Li", "3", "no", '{"a":1}']);
  expect(shortId("019a98c4-7812-78dd-a82f-6246486898c4")).toBe("019a\u202698c4");
});

test.each<[string, Partial<RunSummary>, boolean]>([
  ["rests for the provider's day", { state: "paused", mode: "reconcile", changes: 0, done: 0 }, true],
  ["cut off among its writes", { state: "interrupted", mode: "reconcile", changes: 10, done: 4 }, true],
  ["canceled among its writes", { state: "canceled", mode: "apply", changes: 10, done: 4, failed: 1 }, true],
  ["canceled, with the rest overtaken", { state: "canceled", mode: "apply", changes: 10, done: 4, stale: 6 }, false],
  ["at its end", { state: "failed", mode: "reconcile", changes: 9, done: 9, failed: 1 }, false],
  ["a held one that was dropped", { state: "canceled", mode: "reconcile", changes: 10 }, false],
  ["a plan that was dropped", { state: "canceled", mode: "preview", changes: 10 }, false],
  ["under way", { state: "active", mode: "reconcile", changes: 10, done: 4 }, false],
])("a run %s can go on", (_, run, can) => {
  expect(canGoOn({ ...RUN, ...run })).toBe(can);
});

test.each<[string, Partial<RunSummary>, number]>([
  ["done", { state: "success", mode: "reconcile", done: 5, failed: 2, needsYou: 1 }, 3],
  ["overtaken", { state: "success", mode: "apply", changes: 4, done: 2, stale: 2 }, 2],
  ["planned", { state: "planned", needsYou: 4 }, 0],
  ["an undo", { state: "success", mode: "reconcile", failed: 2, undoes: "run-0" }, 0],
])("what is left over of a run: %s", (_, run, left) => {
  expect(leftOver({ ...RUN, ...run })).toBe(left);
});

const REASON = "HubSpot does not accept the token; enter a valid key";

test.each<[string, Partial<RunSummary>, string, string]>([
  ["that failed before it planned anything", { state: "failed", mode: "reconcile", message: REASON }, "nothing was changed", `${REASON}.`],
  ["that failed as a preview", { state: "failed", message: REASON }, "", `${REASON}.`],
  ["that failed among its writes", { state: "failed", mode: "reconcile", changes: 9, done: 4, message: REASON }, "4 of 9 changes done", `4 of 9 changes done; ${REASON}.`],
  ["that was canceled while it read", { state: "canceled", mode: "reconcile", message: "canceled" }, "nothing was changed", "Canceled."],
  ["that is held over an empty source", { state: "held", message: "held: the source `crm` is empty" }, "nothing was changed", "Held: the source \u201ccrm\u201d is empty."],
  ["that is held over its plan", { state: "held", changes: 41, message: "held: 41 deletes" }, "41 changes planned", "41 changes planned"],
  ["that was canceled before its first write", { state: "canceled", mode: "reconcile", message: "canceled; what was done until then stays, run it again to go on" }, "nothing was changed", "Canceled; nothing was changed, run it again to go on."],
  ["some of which was overtaken", { state: "success", mode: "apply", changes: 5, done: 3, stale: 2 }, "3 of 5 changes done, 2 not made", "3 of 5 changes done, 2 not made"],
  ["that found nothing to do", { state: "success", mode: "reconcile" }, "nothing to change", "nothing to change"],
  ["that plans nothing", { state: "planned" }, "nothing to change", "nothing to change"],
])("a run %s does not say more than it knows", (_, run, outcome, result) => {
  expect([runOutcome({ ...RUN, ...run }), runResult({ ...RUN, ...run })]).toEqual([outcome, result]);
});

test("the last run of a mapping tells why it failed", () => {
  expect(lastRunWords({ ...RUN, state: "failed", mode: "reconcile", message: REASON }, NOW)).toBe(`Last run just now: failed; ${REASON}.`);
  expect(lastRunWords({ ...RUN, state: "canceled", mode: "reconcile", message: "canceled" }, NOW)).toBe("Last run just now: Canceled.");
});
