import { expect, test } from "vitest";

import { bySituation, isUnreachable, patternOf, PATTERNS, withNewPolicy, withPattern } from "./policies";

test("a mapping without policies follows the default actions", () => {
  expect(patternOf({})).toBe("default");
  expect(patternOf({ policies: [{ situation: "FOUND", action: "UPDATE" }] })).toBe("default");
  expect(patternOf({ policies: [{ situation: "FOUND", action: "LINK" }] })).toBe("custom");
  expect(patternOf({ policies: [{ situation: "FOUND", action: "UPDATE", condition: "/object/a pr" }] })).toBe("custom");
});

test("patterns are what they say", () => {
  expect(patternOf(withPattern({}, "readOnly"))).toBe("readOnly");
  expect(patternOf(withPattern({ policies: [{ situation: "FOUND", action: "LINK" }] }, "default"))).toBe("default");
});

test.each(PATTERNS)("$label is told from every other pattern, and deletes only where it says so", ({ id, help }) => {
  const doc = withPattern({ policies: [{ situation: "FOUND", action: "IGNORE" }] }, id);
  expect(patternOf(doc)).toBe(id);
  const policies = doc["policies"] as { situation: string; action: string }[];
  expect(policies).toHaveLength(13);
  const deletes = policies.some(({ situation, action }) => action === "DELETE" && situation !== "UNQUALIFIED");
  expect(deletes).toBe(/gone at the source is deleted/.test(help));
});

test("a new policy comes behind those of its situation", () => {
  const doc = { policies: [{ situation: "FOUND", action: "LINK", condition: "/object/a pr" }, { situation: "ABSENT", action: "CREATE" }] };
  const { doc: next, index } = withNewPolicy(doc, { situation: "FOUND", action: "IGNORE" });
  expect(index).toBe(1);
  expect((next["policies"] as { action: string }[]).map(({ action }) => action)).toEqual(["LINK", "IGNORE", "CREATE"]);
});

test("what stands behind a policy without a condition is never reached", () => {
  const rows = bySituation({ policies: [{ situation: "FOUND", action: "LINK" }, { situation: "FOUND", action: "IGNORE", condition: "/object/a pr" }] });
  const found = rows.find(({ situation }) => situation === "FOUND");
  expect(found && [isUnreachable(found, 0), isUnreachable(found, 1)]).toEqual([false, true]);
});
