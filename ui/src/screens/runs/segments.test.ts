import { expect, test } from "vitest";

import type { Count } from "../../backend/bindings/Count";
import type { RunDetail } from "../../backend/bindings/RunDetail";
import { outcomeSegments, recordsRead, segments, situationSegments } from "./segments";

const counts = (values: Record<string, number>): Count[] => Object.entries(values).map(([name, count]) => ({ name, meaning: "", count }));
const detail = (situations: Record<string, number>, actions: Record<string, number>, summary: object = { changes: 1000 }) => ({ situations: counts(situations), actions: counts(actions), planned: [], summary }) as unknown as RunDetail;

test.each([
  { what: "nothing was needed", summary: { state: "success", changes: 0, failed: 0, needsYou: 3 }, bar: { UPDATE: 0, UNLINK: 0, LEFT_AS_IT_IS: 4 } },
  { what: "which one was needed is not known", summary: { state: "success", changes: 1, failed: 0, needsYou: 3 }, bar: { UPDATE: 1, UNLINK: 3, LEFT_AS_IT_IS: 0 } },
  { what: "a plan tells", summary: { state: "planned", changes: 1, failed: 0, needsYou: 3 }, bar: { UPDATE: 0, UNLINK: 1, LEFT_AS_IT_IS: 3 } },
])("a change that was not needed is no change: $what", ({ summary, bar }) => {
  const run = { ...detail({ CONFIRMED: 7 }, { UPDATE: 1, UNLINK: 3, EXCEPTION: 3 }, summary), planned: counts({ UNLINK: 1 }) };
  const shown = Object.fromEntries(segments(run).map(({ name, count }) => [name, count]));
  expect(shown).toEqual({ ...Object.fromEntries(Object.entries(bar).filter(([, count]) => count > 0)), EXCEPTION: 3 });
});

test.each([
  { what: "records without an action are unchanged", situations: { CONFIRMED: 100, ABSENT: 2 }, actions: { CREATE: 2, UPDATE: 5 }, read: 102, bar: { UNCHANGED: 95, UPDATE: 5, CREATE: 2 } },
  { what: "an action that counts everything leaves nothing over", situations: { ABSENT: 3 }, actions: { CREATE: 3 }, read: 3, bar: { CREATE: 3 } },
  { what: "empty counts and unknown names keep their place", situations: { ABSENT: 2 }, actions: { ONBOARD: 1, DELETE: 0, CREATE: 1 }, read: 2, bar: { CREATE: 1, ONBOARD: 1 } },
  { what: "nothing read", situations: {}, actions: {}, read: 0, bar: {} },
])("$what", ({ situations, actions, read, bar }) => {
  const run = detail(situations as Record<string, number>, actions as Record<string, number>);
  expect(recordsRead(run)).toBe(read);
  expect(segments(run).map(({ name, count }) => [name, count])).toEqual(Object.entries(bar));
});

test.each([
  { what: "a plan has no outcome yet", run: { state: "planned", changes: 5, done: 0, failed: 0 }, bar: {} },
  { what: "nor has a preview that was discarded", run: { mode: "preview", state: "canceled", changes: 5, done: 0, failed: 0 }, bar: {} },
  { what: "all changes made need no bar", run: { state: "success", changes: 5, done: 5, failed: 0 }, bar: {} },
  { what: "nothing to do needs no bar", run: { state: "success", changes: 0, done: 0, failed: 0 }, bar: {} },
  { what: "nothing of it was made", run: { state: "failed", changes: 5, done: 0, failed: 0 }, bar: { LEFT: 5 } },
  { what: "some failed", run: { state: "success", changes: 3, done: 3, failed: 2 }, bar: { DONE: 3, FAILED: 2 } },
  { what: "canceled on the way", run: { state: "canceled", changes: 7, done: 3, failed: 2 }, bar: { DONE: 3, FAILED: 2, LEFT: 4 } },
  { what: "some were overtaken", run: { state: "success", changes: 5, done: 3, failed: 0, stale: 2 }, bar: { DONE: 3, STALE: 2 } },
  { what: "overtaken and canceled on the way", run: { state: "canceled", changes: 9, done: 3, failed: 1, stale: 2 }, bar: { DONE: 3, FAILED: 1, STALE: 2, LEFT: 4 } },
])("$what", ({ run, bar }) => {
  expect(outcomeSegments({ summary: { stale: 0, ...run } } as RunDetail).map(({ name, count }) => [name, count])).toEqual(Object.entries(bar));
});

const SOME = { ABSENT: 56, UNASSIGNED: 3, SOURCE_MISSING: 2 };

test.each([
  { what: "what is decided by a person is loud", run: { undoes: null, needsYou: 3 }, actions: { CREATE: 56, EXCEPTION: 3, DELETE: 2 }, fills: { ABSENT: "create", UNASSIGNED: "needs", SOURCE_MISSING: "delete" } },
  { what: "what is ignored is quiet", run: { undoes: null, needsYou: 0 }, actions: { IGNORE: 61 }, fills: { ABSENT: "skip", UNASSIGNED: "skip", SOURCE_MISSING: "skip" } },
  { what: "an undo does something else with them", run: { undoes: "run-1", needsYou: 0 }, actions: { DELETE: 56 }, fills: { ABSENT: "unchanged", UNASSIGNED: "unchanged", SOURCE_MISSING: "unchanged" } },
])("a situation has the colour of what becomes of it: $what", ({ run, actions, fills }) => {
  const shown = situationSegments({ ...detail(SOME, actions as unknown as Record<string, number>), summary: run } as RunDetail);
  expect(Object.fromEntries(shown.map(({ name, fill }) => [name, fill.replace("bg-bar-", "")]))).toEqual(fills);
});
