import { expect, test } from "vitest";

import { complaintOf, tabOf } from "./complaint";

test.each([
  ["mapping `m`, property `mail`: `whenEmpty` is `default`, but there is no `default`", "property mail", "`whenEmpty` is `default`, but there is no `default`", "properties"],
  ["mapping m, property mail (transform), line 2: SyntaxError: unexpected token", "property mail", "transform, line 2: SyntaxError: unexpected token", "properties"],
  ["mapping m (validSource): it gave undefined", "validSource", "validSource: it gave undefined", "association"],
  ["mapping `m`, sourceCondition: query filter `x`: an operator is missing at character 2", "sourceCondition", "query filter `x`: an operator is missing at character 2", "association"],
  ["mapping `m`, policies: `EXPLODE` is no Action", "policy", "`EXPLODE` is no Action", "behaviors"],
  ["mapping m (onCreate), line 1: ReferenceError: x", "onCreate", "onCreate, line 1: ReferenceError: x", "behaviors"],
  ["the data folder is full", "", "the data folder is full", undefined],
])("%s", (message, place, text, tab) => {
  expect(complaintOf(message)).toEqual({ place, text });
  expect(tabOf(place)).toBe(tab);
});
