import { expect, test } from "vitest";

import type { DeleteEffect } from "../../backend/bindings/DeleteEffect";
import { carryOut, parts, together } from "./bulk";

const ids = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const effect = (part: Partial<DeleteEffect>): DeleteEffect => ({ mapping: "m", target: "system/h/c", targetTitle: "H c", action: "DELETE", situation: "SOURCE_MISSING", count: 1, examples: ["Ann"], needsYou: false, reason: "", ...part });

test("many are asked for in parts, none twice and none left out", () => {
  expect(parts([])).toEqual([]);
  expect(parts(ids(450)).map((part) => part.length)).toEqual([200, 200, 50]);
  expect(parts(ids(450)).flat()).toEqual(ids(450));
});

test("effects of the same kind are added up, others stay apart", () => {
  const whole = together([
    { objects: 200, leftAlone: 1, effects: [effect({ count: 150, examples: ["Ann", "Bo"] }), effect({ action: "UNLINK" })] },
    { objects: 50, leftAlone: 2, effects: [effect({ count: 50, examples: ["Cy", "Di"] }), effect({ mapping: "n" })] },
  ]);
  expect([whole.objects, whole.leftAlone]).toEqual([250, 3]);
  expect(whole.effects.map(({ mapping, action, count, examples }) => [mapping, action, count, examples.length])).toEqual([
    ["m", "DELETE", 200, 3],
    ["m", "UNLINK", 1, 1],
    ["n", "DELETE", 1, 1],
  ]);
});

test("a change goes on part by part and stops when it is told to; what was refused is kept", async () => {
  const asked: number[] = [];
  const change = (part: string[]) => {
    asked.push(part.length);
    return Promise.resolve({ done: part.length - 1, refused: [{ id: part[0] ?? "", title: "x", message: "no" }] });
  };
  const all = await carryOut(ids(450), change, () => true);
  expect([asked, all.done, all.looked, all.refused.map(({ id }) => id)]).toEqual([[200, 200, 50], 447, 450, ["0", "200", "400"]]);
  const stopped = await carryOut(ids(450), change, ({ looked }) => looked < 200);
  expect([stopped.looked, stopped.done]).toEqual([200, 199]);
});
