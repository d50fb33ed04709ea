import { runInNewContext } from "node:vm";

import { expect, test } from "vitest";

import { filterOfScript, scriptOfFilter } from "./validity";

function says(filter: string, target: unknown): unknown {
  // As the engine does: the text is a program whose last value counts.
  return runInNewContext(scriptOfFilter(filter, "target")?.source ?? "", { target });
}

test.each([
  ["/mail pr", { mail: "a@b" }, { mail: "" }],
  ["!(/mail pr)", {}, { mail: "a@b" }],
  ['/accountStatus eq "active"', { accountStatus: "active" }, { accountStatus: "Active" }],
  ['!(/accountStatus eq "inactive")', {}, { accountStatus: "inactive" }],
  ['/mail co "@example"', { mail: "ann@example.org" }, { mail: null }],
  ['/mail sw "ann"', { mail: "ann@b" }, { mail: "xann@b" }],
  ["/age gt 3", { age: "4" }, { age: "many" }],
  ["/age le 3", { age: 3 }, { age: 3.5 }],
  ["/active eq true", { active: "true" }, { active: false }],
  ["/manager eq null", {}, { manager: "ann" }],
  ['/address/city eq "Oslo"', { address: { city: "Oslo" } }, { address: null }],
  ['/roles eq "admin"', { roles: ["user", "admin"] }, { roles: ["user"] }],
  ['/mail pr and /sn eq "Lee"', { mail: "a@b", sn: "Lee" }, { mail: "a@b", sn: "Li" }],
  ['/mail pr or /sn eq "Lee"', { sn: "Lee" }, { sn: "Li" }],
  ['/sn eq "</script>\\"\'"', { sn: "</script>\"'" }, { sn: "" }],
])("%s", (filter, yes, no) => {
  expect([says(filter, yes), says(filter, no)]).toEqual([true, false]);
  expect(filterOfScript(scriptOfFilter(filter, "target"), "target")).toBe(filter);
});

test("a script of one's own stays one", () => {
  const made = scriptOfFilter("/mail pr", "target");
  for (const script of [undefined, "/mail pr", { type: "text/javascript", source: "true" }, { ...made, source: `${made?.source} && target.x` }, { type: "text/javascript", source: "//filter: /mail pr\ntrue" }]) {
    expect(filterOfScript(script, "target")).toBeNull();
  }
  expect(filterOfScript(made, "source")).toBeNull();
});

test("what is more than a list of comparisons is no script", () => {
  for (const filter of ["", "(/a pr and /b pr) or /c pr", "/mail", "true"]) expect(scriptOfFilter(filter, "target")).toBeNull();
});
