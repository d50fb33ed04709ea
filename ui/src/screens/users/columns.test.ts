import { expect, test } from "vitest";

import { chosenColumns } from "./columns";
import type { Kind } from "./kind";

const kind = { name: "user", attributes: ["userName", "sn", "city"].map((name) => ({ name, searchable: name !== "city" })) } as unknown as Kind;

test.each([
  ["nothing chosen yet", null, ["userName", "sn"]],
  ["a choice in its order", '["city","sn"]', ["city", "sn"]],
  ["an attribute that is no more", '["gone","city"]', ["city"]],
  ["only attributes that are no more", '["gone"]', ["userName", "sn"]],
  ["something that somebody else stored", '{"a":1}', ["userName", "sn"]],
  ["no JSON at all", "x", ["userName", "sn"]],
])("columns: %s", (_, stored, expected) => {
  expect(chosenColumns(kind, stored)).toEqual(expected);
});
