import { expect, test } from "vitest";

import { type Mark, marked, paceWords, rateOf } from "./pace";

function watch(points: [number, string, number][]): Mark[] {
  return points.reduce<Mark[]>((marks, [at, stage, processed]) => marked(marks, { stage, processed }, at), []);
}

test("the rate and the time left come from the last seconds", () => {
  expect(rateOf(watch([[0, "READ", 0]]))).toBeNull();
  expect(rateOf(watch([[0, "READ", 0], [300, "READ", 100]]))).toBeNull();
  const steady = watch([[0, "READ", 0], [1000, "READ", 1000], [2000, "READ", 2000]]);
  expect(rateOf(steady)).toBe(1000);
  expect(paceWords(steady, 62_000)).toBe("1,000 records/s, about 1 min 0 s left");
  expect(paceWords(steady, null)).toBe("1,000 records/s");
  expect(paceWords(steady, 2000)).toBe("1,000 records/s");
  expect(paceWords(watch([[0, "READ", 0], [2000, "READ", 3]]), 6)).toBe("1.5 records/s, about 2 s left");
});

test("another stage and a long pause start anew", () => {
  expect(rateOf(watch([[0, "READ", 0], [2000, "READ", 2000], [2500, "PLAN", 10]]))).toBeNull();
  const slower = watch([[0, "READ", 0], [10_000, "READ", 100_000], [20_000, "READ", 101_000]]);
  expect(rateOf(slower)).toBe(100);
});

test("a million looks keep a dozen seconds of marks", () => {
  let marks: Mark[] = [];
  for (let i = 0; i < 2000; i++) marks = marked(marks, { stage: "READ", processed: i * 500 }, i * 300);
  expect(marks.length).toBeLessThan(50);
});
