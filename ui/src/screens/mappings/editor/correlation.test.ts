import { expect, test } from "vitest";

import { ruleOf, withRule } from "./correlation";

const tree = { any: ["mail", { all: ["sn", "givenName"] }] };
const script = { type: "text/javascript", source: "({_queryFilter: 'true'})" };

test("a rule is read back as it was written, and keeps what it does not know", () => {
  const doc = { name: "m", correlationQuery: [{ linkQualifier: "default", expressionTree: { all: ["mail"] }, mapping: "m", file: "x.js" }] };
  const next = withRule(doc, "default", { kind: "tree", tree });
  expect(next["correlationQuery"]).toEqual([{ linkQualifier: "default", expressionTree: tree, mapping: "m", file: "x.js" }]);
  expect(ruleOf(next, "default")).toEqual({ kind: "tree", tree });
});

test("each link qualifier has its own rule", () => {
  let doc = withRule({ name: "m" }, "admin", { kind: "query", script });
  doc = withRule(doc, "default", { kind: "tree", tree: { all: ["mail"] } });
  expect(ruleOf(doc, "admin").kind).toBe("query");
  expect(ruleOf(doc, "default").kind).toBe("tree");
  expect(ruleOf(doc, "other").kind).toBe("none");
  doc = withRule(doc, "default", { kind: "none" });
  expect(withRule(doc, "admin", { kind: "none" })).toEqual({ name: "m" });
});

test("a script that names ids takes the place of the queries, and the other way round", () => {
  const doc = withRule({ correlationQuery: { expressionTree: { all: ["mail"] } } }, "default", { kind: "ids", script });
  expect(doc).toEqual({ correlationScript: script });
  expect(withRule(doc, "default", { kind: "tree", tree: "mail" })["correlationScript"]).toBeUndefined();
});

test("of several rules for a qualifier the last counts, and none is left when it is taken away", () => {
  const doc = { name: "m", correlationQuery: [{ expressionTree: { all: ["phone"] } }, { linkQualifier: "default", expressionTree: { all: ["mail"] } }] };
  expect(ruleOf(doc, "default")).toEqual({ kind: "tree", tree: { all: ["mail"] } });
  const changed = withRule(doc, "default", { kind: "tree", tree });
  expect(ruleOf(changed, "default")).toEqual({ kind: "tree", tree });
  expect(withRule(doc, "default", { kind: "none" })).toEqual({ name: "m" });
});
