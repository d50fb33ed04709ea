import { expect, test } from "vitest";

import { complaintOf, tabOf } from "./complaint";

test.each([
  ["mapping `m`, property `mail`: `whenEmpty` is `default`, but there is no `default`", "property mail", "\u201cwhenEmpty\u201d is \u201cdefault\u201d, but there is no \u201cdefault\u201d.", "properties"],
  ["mapping m, property mail (transform), line 2: SyntaxError: unexpected token", "property mail", "\u201ctransform\u201d, line 2: SyntaxError: unexpected token.", "properties"],
  ["mapping m (validSource): it gave undefined", "validSource", "\u201cvalidSource\u201d: it gave undefined.", "association"],
  ["mapping `m`, sourceCondition: query filter `x`: an operator is missing at character 2", "sourceCondition", "Query filter \u201cx\u201d: an operator is missing at character 2.", "association"],
  ["mapping `m`, policies: `EXPLODE` is no Action", "policy", "\u201cEXPLODE\u201d is no Action.", "behaviors"],
  ["mapping m (onCreate), line 1: ReferenceError: x", "onCreate", "\u201conCreate\u201d, line 1: ReferenceError: x.", "behaviors"],
  ["the data folder is full", "", "The data folder is full.", undefined],
])("%s", (message, place, text, tab) => {
  expect(complaintOf(message)).toEqual({ place, text });
  expect(tabOf(place)).toBe(tab);
});
