import { expect, test } from "vitest";

import { paramsOf, paramText, paramValue } from "./policies";
import { added, differences, isRequired, isUnique, kindOf, moved, orderOf, policiesOf, propertyOf, removed, type TypeDocument, withKind, withRequired, withUnique, wrongName } from "./schema";

const DOC: TypeDocument = {
  name: "device",
  iconClass: "fa fa-database",
  schema: {
    title: "Device",
    order: ["serial", "gone", "owner"],
    required: ["serial"],
    properties: {
      owner: { type: ["string", "null"] },
      serial: { title: "Serial", type: "string", policies: [{ policyId: "minimum-length", params: { minLength: 3 } }], custom: 1 },
      unlisted: { type: "integer" },
    },
  },
};

test("the order names first what is listed and there, then the rest", () => {
  expect(orderOf(DOC)).toEqual(["serial", "owner", "unlisted"]);
  expect(orderOf(moved(DOC, 2, 0))).toEqual(["unlisted", "serial", "owner"]);
});

test("a change leaves everything else as it was", () => {
  const unique = withUnique(DOC, "serial", true);
  expect(policiesOf(propertyOf(unique, "serial")).map(({ policyId }) => policyId)).toEqual(["unique", "minimum-length"]);
  expect([isUnique(propertyOf(unique, "serial")), propertyOf(unique, "serial")["custom"], unique["iconClass"]]).toEqual([true, 1, "fa fa-database"]);
  expect(withUnique(withUnique(DOC, "owner", true), "owner", false)).toEqual({ ...DOC, schema: { ...(DOC["schema"] as object) } });
  expect(kindOf(propertyOf(withKind(DOC, "owner", "number"), "owner"))).toEqual({ kind: "number", nullable: true });
});

test("a removed property is required no more", () => {
  const without = removed(DOC, "serial");
  expect([orderOf(without), isRequired(without, "serial")]).toEqual([["owner", "unlisted"], false]);
});

test.each<[string, TypeDocument, number]>([
  ["nothing", DOC, 0],
  ["a property", withRequired(DOC, "owner", true), 1],
  ["the order", moved(DOC, 0, 1), 1],
  ["an added one", added(DOC, "costCentre"), 1],
  ["a removed one", removed(DOC, "owner"), 1],
])("differences count %s", (_, changed, count) => {
  expect(differences(DOC, changed)).toBe(count);
});

test.each([
  ["", true],
  ["serial", true],
  ["_id", true],
  ["a/b", true],
  ["costCentre", false],
])("the name %j is wrong: %s", (name, wrong) => {
  expect(wrongName(DOC, name) !== null).toBe(wrong);
});

test("a new property is titled by the words of its name", () => {
  expect(propertyOf(added(DOC, "costCentre"), "costCentre")["title"]).toBe("Cost Centre");
});

test.each([
  ["minimum-length", "8", 8],
  ["minimum-length", "many", "many"],
  ["minimum-length", "", undefined],
  ["cannot-contain-others", "userName,mail", ["userName", "mail"]],
  ["regexpMatches", "^a,b$", "^a,b$"],
])("a parameter of %s typed as %j", (id, typed, value) => {
  const [param] = paramsOf(id);
  if (!param) throw new Error("there is a parameter");
  expect(paramValue(param, typed)).toEqual(value);
  expect(paramText(value)).toBe(typed);
});
