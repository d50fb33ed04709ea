import { expect, test } from "vitest";

import { readDocument } from "./document";

const mapping = { name: "a", source: "system/hubspot/contact", target: "managed/user" };

test.each([
  ["one mapping", mapping, [mapping]],
  ["a whole sync.json", { mappings: [mapping, { ...mapping, name: "b" }] }, [mapping, { ...mapping, name: "b" }]],
])("reads %s", (_, value, configs) => {
  expect(readDocument(JSON.stringify(value))).toEqual({ configs });
});

test.each([
  ["{", "not JSON"],
  ["[]", "A mapping is an object"],
  ["3", "A mapping is an object"],
  ['{"name": "a", "source": "system/x/y"}', "Mapping a has no target"],
  ['{"source": 1, "target": ""}', "The mapping has no source and no target"],
])("refuses %s", (text, problem) => {
  const document = readDocument(text);
  expect("problem" in document && document.problem).toContain(problem);
});
