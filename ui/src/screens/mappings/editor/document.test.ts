import { expect, test } from "vitest";

import { linkQualifiersOf, missingRequired, moved, script, sourceAttributes, withKey, withSource, withTransform } from "./document";

const doc = {
  sourceCondition: "/source/email pr",
  properties: [
    { source: "firstname", target: "/givenName", condition: "/object/lifecycle eq \"customer\"" },
    { target: "sn", default: "-" },
    { source: "", target: "displayName", transform: { type: "text/javascript", source: "source.a" } },
  ],
};

test("it knows what the target still needs", () => {
  const attributes = ["givenName", "sn", "mail", "_id", "made"].map((name) => ({ name, required: true, writable: name !== "made" }));
  expect(missingRequired(doc, attributes)).toEqual(["mail"]);
});

test("it names the attributes that it reads", () => {
  expect(sourceAttributes(doc)).toEqual(["email", "firstname", "lifecycle"]);
});

test("an item moves to another place and nowhere else", () => {
  expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
  expect(moved(["a"], 0, 1)).toEqual(["a"]);
});

test("what is left out is gone, and a script's text takes the place of its file", () => {
  expect(withKey({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
  expect(script("x", { type: "text/javascript", file: "a.js", globals: { g: 1 } })).toEqual({ type: "text/javascript", globals: { g: 1 }, source: "x" });
});

test("link qualifiers are a list, a script or none", () => {
  expect(linkQualifiersOf({})).toEqual({ kind: "none", names: [] });
  expect(linkQualifiersOf({ linkQualifiers: ["admin", "user"] })).toEqual({ kind: "list", names: ["admin", "user"] });
  expect(linkQualifiersOf({ linkQualifiers: { type: "text/javascript", source: "[]" } }).kind).toBe("script");
});

test("a property without a source takes the whole record only where a transform does something with it", () => {
  const transform = { builtIn: "trim" };
  expect(withSource({ source: "a", target: "x" }, "")).toEqual({ target: "x" });
  expect(withSource({ source: "a", target: "x", transform }, "")).toEqual({ source: "", target: "x", transform });
  expect(withTransform({ target: "x" }, transform)).toEqual({ source: "", target: "x", transform });
  expect(withTransform({ source: "", target: "x", transform }, undefined)).toEqual({ target: "x" });
});
