import { expect, test } from "vitest";

import type { Trial } from "../../backend/bindings/Trial";
import { pairsOf } from "./compare";

const config = { properties: [{ source: "email", target: "mail" }, { source: "/city", target: "/city" }, { target: "sn", default: "-" }] };
const row = (target: string, source: unknown, before: unknown, after: unknown, outcome: string) => ({ target, source, before, after, outcome, why: "", steps: [] });
const trial = { properties: [row("/mail", "a@x", "a@x", "a@x", "unchanged"), row("/city", "Oslo", "Graz", "Oslo", "written"), row("/sn", null, "Lee", "Lee", "kept")] } as unknown as Trial;

test("both sides stand beside each other whichever way the mapping goes", () => {
  expect(pairsOf(trial, config, true)).toEqual([
    { own: "mail", ownValue: "a@x", remote: "email", remoteValue: "a@x", kept: false },
    { own: "city", ownValue: "Graz", remote: "city", remoteValue: "Oslo", kept: false, wanted: "Oslo" },
    { own: "sn", ownValue: "Lee", remote: "", remoteValue: null, kept: true },
  ]);
  expect(pairsOf(trial, config, false)[1]).toEqual({ own: "city", ownValue: "Oslo", remote: "city", remoteValue: "Graz", kept: false, wanted: "Oslo" });
  expect(pairsOf(trial, {}, true)).toHaveLength(3);
});
