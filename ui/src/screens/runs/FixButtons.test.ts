import { expect, test } from "vitest";

import type { Fix } from "../../backend/bindings/Fix";
import { fixWords, situationOf, waitsUntil } from "../../words/fix";
import { connectorOf, waysOf } from "./FixButtons";

const ALL: Fix[] = [
  { kind: "runAgain" }, { kind: "runAgainForMissing" }, { kind: "runAgainInDoubt" }, { kind: "runAgainAfter", seconds: 60 }, { kind: "clearFailures" },
  { kind: "authorize" }, { kind: "correctAttribute", attribute: "mail" }, { kind: "meetPolicy", attribute: "address/zip" }, { kind: "correctMapping" },
  { kind: "policyForExisting", situation: "FOUND" }, { kind: "policyForAbsent", situation: "MISSING" }, { kind: "policy", situation: "UNASSIGNED" },
  { kind: "policyForMissing" }, { kind: "policyForSourceMissing" }, { kind: "policyForUnassigned" }, { kind: "linkByHand" }, { kind: "linkToMatch" },
  { kind: "removeLink" }, { kind: "removeLinkOrKey" }, { kind: "decideConflict" }, { kind: "decideOther" },
];

test("each remedy has its own sentence", () => {
  const sentences = ALL.map(fixWords);
  expect(new Set(sentences).size).toBe(ALL.length);
  expect(sentences.filter((sentence) => !/^[A-Z].*\.$/.test(sentence))).toEqual([]);
});

const went = (fix: Fix, target: string, asked = true) => waysOf(fix, "m", target, asked).map(({ go }) => [go.to, go.search ?? {}]);

test.each<[string, Fix, string, unknown]>([
  ["authorize, whose button its connector knows", { kind: "authorize" }, "system/hubspot/contact", []],
  ["an attribute", { kind: "correctAttribute", attribute: "mail" }, "system/hubspot/contact", [["/mappings/$name", { property: "mail" }]]],
  ["a policy of a managed object", { kind: "meetPolicy", attribute: "address/zip" }, "managed/site", [["/mappings/$name", { property: "address/zip" }], ["/types/$name", { property: "address" }]]],
  ["a situation", { kind: "policyForUnassigned" }, "managed/user", [["/mappings/$name", { tab: "behaviors", situation: "UNASSIGNED" }]]],
  ["a situation that is asked about", { kind: "policyForSourceMissing" }, "managed/user", [["/inbox", {}], ["/mappings/$name", { tab: "behaviors", situation: "SOURCE_MISSING" }]]],
  ["another look", { kind: "runAgain" }, "managed/user", []],
])("where a remedy leads: %s", (_, fix, target, ways) => {
  expect(went(fix, target)).toEqual(ways);
});

test("the inbox is offered only once it has the question", () => {
  expect(went({ kind: "linkByHand" }, "managed/user")).toEqual([["/inbox", {}]]);
  expect(went({ kind: "linkByHand" }, "managed/user", false)).toEqual([["/mappings/$name", { tab: "association" }]]);
  expect(went({ kind: "decideConflict" }, "managed/user", false)).toEqual([]);
  expect(went({ kind: "policyForMissing" }, "managed/user", false)).toEqual([["/mappings/$name", { tab: "behaviors", situation: "MISSING" }]]);
});

test("a provider that asks to wait is waited for", () => {
  const failed = "2026-11-22T10:00:00.000Z";
  const fix: Fix = { kind: "runAgainAfter", seconds: 90 };
  expect(waitsUntil(fix, failed, Date.parse("2026-11-22T10:01:00Z"))).toBe("2026-11-22T10:01:30.000Z");
  expect(waitsUntil(fix, failed, Date.parse("2026-11-22T10:02:00Z"))).toBeNull();
  expect(waitsUntil({ kind: "runAgain" }, failed, 0)).toBeNull();
});

test("names out of a resource and a remedy", () => {
  expect([connectorOf("system/hubspot/contact"), connectorOf("managed/user")]).toEqual(["hubspot", null]);
  expect([situationOf({ kind: "policy", situation: "FOUND" }), situationOf({ kind: "authorize" })]).toEqual(["FOUND", null]);
});
