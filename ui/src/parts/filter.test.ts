import { expect, test } from "vitest";

import { type Group, readFilter, writeFilter } from "./filter";

test.each<[string, string, Group | null]>([
  ["/source/email pr", "source", { join: "and", parts: [{ attribute: "email", operator: "pr", value: "" }] }],
  ['/object/city eq "Oslo" or !(/object/state pr)', "object", { join: "or", parts: [{ attribute: "city", operator: "eq", value: "Oslo" }, { attribute: "state", operator: "absent", value: "" }] }],
  ["/object/age ge 18 and /target/sn eq 'O\\'Brien'", "object", { join: "and", parts: [{ attribute: "age", operator: "ge", value: "18" }, { attribute: "/target/sn", operator: "eq", value: "O'Brien" }] }],
  ['!(mail eq "a b") AND active eq true', "", { join: "and", parts: [{ attribute: "mail", operator: "ne", value: "a b" }, { attribute: "active", operator: "eq", value: "true" }] }],
  ["/source/email pr and /source/country pr", "source", { join: "and", parts: [{ attribute: "email", operator: "pr", value: "" }, { attribute: "country", operator: "pr", value: "" }] }],
  ["/source/email eq", "source", null],
  ["", "object", { join: "and", parts: [] }],
  ["/object/a pr and /object/b pr or /object/c pr", "object", null],
  ["/object/a pr and (/object/b pr or /object/c pr)", "object", null],
  ['/object/zip eq "0150"', "object", { join: "and", parts: [{ attribute: "zip", operator: "eq", value: "0150" }] }],
  ['/object/zip eq "150"', "object", null],
  ["true", "object", null],
  ["/object/a like 3", "object", null],
])("reads %s", (text, variable, group) => {
  expect(readFilter(text, variable)).toEqual(group);
});

test.each([
  ["/source/email pr", "source"],
  ['/object/city eq "Os\\"lo" or !(/object/state pr)', "object"],
  ["/object/age ge 18 and /target/sn pr", "object"],
  ['!(/mail eq "a b") and /active eq true', ""],
])("writes %s as it was", (text, variable) => {
  const group = readFilter(text, variable);
  expect(group && writeFilter(group, variable)).toBe(text);
});
