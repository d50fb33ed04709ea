import { expect, test } from "vitest";

import type { ReadyMapping } from "../../../backend/bindings/ReadyMapping";
import { firstToSee, pairsOf, toAdd } from "./pairs";

const ready = (name: string, rest: Partial<ReadyMapping> = {}): ReadyMapping => ({
  name, source: "system/crm/contact", target: "managed/user", sourceTitle: "CRM contact", targetTitle: "User", links: null, text: "", correlation: "", properties: [], parameters: [], there: false, problem: null, ...rest,
});

test("mappings that share their links are one choice", () => {
  const pairs = pairsOf([ready("in"), ready("out", { links: "in" }), ready("lead", { sourceTitle: "CRM lead" }), ready("stray", { links: "not among them" })]);
  expect(pairs.map(({ title, members }) => [title, members.map(({ name }) => name)])).toEqual([
    ["CRM contact \u21c4 User", ["in", "out"]],
    ["CRM lead \u2192 User", ["lead"]],
    ["CRM contact \u2192 User", ["stray"]],
  ]);
});

test.each([
  ["both", false, ["in", "out"], ["in", "out"]],
  ["only inwards", false, ["in"], ["in"]],
  ["outwards without what it stands on", false, ["out"], []],
  ["outwards, and the other is there", true, ["in", "out"], ["out"]],
])("%s", (_, there, wanted, expected) => {
  const [pair] = pairsOf([ready("in", { there }), ready("out", { links: "in" })]);
  expect(pair && toAdd(pair, new Set(wanted)).map(({ name }) => name)).toEqual(expected);
});

test("the first plan is of what was just connected, whichever mapping owns the links", () => {
  const out = ready("out", { target: "system/crm/contact" });
  expect([[out, ready("in")], [ready("in"), out], [out], []].map(firstToSee)).toEqual(["in", "in", "out", ""]);
});
