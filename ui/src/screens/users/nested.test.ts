import { expect, test } from "vitest";

import type { Attribute } from "./kind";
import { itemOf, parsed, shapeOf, withPart } from "./nested";

const attribute = (kind: string, schema: Record<string, unknown>): Attribute => ({ name: "x", title: "X", kind, required: false, searchable: false, editable: true, unique: false, policies: [], schema });

test.each<[string, Attribute, string | null]>([
  ["a text", attribute("string", { type: "string" }), null],
  ["an object with properties", attribute("object", { properties: { city: { type: "string" } } }), "group"],
  ["an object without", attribute("object", { properties: {} }), "text"],
  ["texts", attribute("array", { items: { type: "string" } }), "list"],
  ["whole numbers, or null", attribute("array", { items: { type: ["null", "integer"] } }), "list"],
  ["objects", attribute("array", { items: { type: "object" } }), "text"],
  ["anything", attribute("array", {}), "list"],
  ["references", attribute("array", { items: { type: "relationship" } }), null],
  ["a reference", attribute("relationship", { properties: { _ref: { type: "string" } } }), null],
])("%s is edited as what it is", (_, given, kind) => {
  expect(shapeOf(given)?.kind ?? null).toBe(kind);
});

test("the properties of a group stand in their order, with their titles", () => {
  const shape = shapeOf(attribute("object", { order: ["zip", "gone"], required: ["zip"], properties: { city: { type: ["string", "null"], title: "City" }, zip: { type: "string" }, main: { type: "boolean", required: true } } }));
  expect(shape?.kind === "group" && shape.attributes.map(({ name, title, kind, required }) => [name, title, kind, required])).toEqual([
    ["zip", "zip", "string", true],
    ["city", "City", "string", false],
    ["main", "main", "boolean", true],
  ]);
});

test("an emptied part leaves its group, and a group of which nothing is left is nothing", () => {
  expect(withPart({ city: "Oslo", zip: "1" }, "city", "Graz")).toEqual({ city: "Graz", zip: "1" });
  expect(withPart({ city: "Oslo", zip: "1" }, "city", "")).toEqual({ zip: "1" });
  expect(withPart({ city: "Oslo" }, "city", "")).toBeNull();
  expect(withPart(null, "main", false)).toEqual({ main: false });
});

test("what is typed becomes what the list holds", () => {
  expect([itemOf("number", "42"), itemOf("number", "4x"), itemOf("number", ""), itemOf("string", "42")]).toEqual([42, "4x", "", "42"]);
});

test("a text is taken when it is JSON of the kind that is asked for", () => {
  expect(parsed('[{"a":1}]', "array")).toEqual({ value: [{ a: 1 }] });
  expect(parsed(" ", "array")).toEqual({ value: null });
  expect(parsed("{}", "array")).toEqual({ wrong: "root" });
  expect(parsed("[1", "array")).toEqual({ wrong: "syntax" });
  expect(parsed("[]", "object")).toEqual({ wrong: "root" });
});
