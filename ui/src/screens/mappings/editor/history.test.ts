import { expect, test } from "vitest";

import { changesOf, edited, redone, sealed, since, startOf, undone } from "./history";

const base = { name: "m" };

test("typing in one field is one edit, another field is another", () => {
  let history = startOf(base);
  for (const text of ["a", "ab", "abc"]) history = edited(history, "title", "title", { ...base, title: text });
  history = edited(history, "note", "note", { ...history.present, note: "x" });
  expect(changesOf(history)).toBe(2);
  history = undone(history);
  expect(history.present).toEqual({ name: "m", title: "abc" });
  history = undone(history);
  expect(history.present).toEqual(base);
  expect(changesOf(history)).toBe(0);
  expect(redone(redone(history)).present).toEqual({ name: "m", title: "abc", note: "x" });
});

test("an edit that ends where it began counts as none", () => {
  let history = edited(startOf(base), "title", "title", { ...base, title: "a" });
  history = edited(sealed(history), "title", "title", base);
  expect([changesOf(history), history.past.length]).toEqual([0, 2]);
  expect(edited(history, "x", "x", { name: "m" })).toBe(history);
});

test("a sealed edit is not joined by the next, and an edit ends what could be redone", () => {
  let history = edited(startOf(base), "title", "title", { ...base, title: "a" });
  history = edited(sealed(history), "title", "title", { ...base, title: "b" });
  expect(history.past).toHaveLength(2);
  history = edited(undone(history), "title", "title", { ...base, title: "c" });
  expect(redone(history)).toBe(history);
});

test("what was edited after a save is what is left of it", () => {
  const saved = edited(startOf(base), "title", "title", { ...base, title: "a" });
  const left = (history: ReturnType<typeof startOf>) => {
    const rest = since(history, saved.present);
    return rest && [rest.past.map(({ label }) => label), changesOf(rest), undone(rest).present];
  };
  expect(left(saved)).toBeNull();
  expect(left(edited(saved, "note", "note", { ...saved.present, note: "x" }))).toEqual([["note"], 1, saved.present]);
  expect(left(edited(saved, "title", "title", { ...base, title: "ab" })), "the same field went on").toEqual([["title"], 1, saved.present]);
  expect(left(undone(saved)), "it was undone").toEqual([["title"], 1, saved.present]);
});
