import { setupI18n } from "@lingui/core";
import { generateMessageId } from "@lingui/message-utils/generateMessageId";
import { expect, test } from "vitest";

import { brought, compiled } from "./catalogue";
import { type Entry, readPo, writePo } from "./po";

const entry = (english: string, words = "", more: Partial<Entry> = {}): Entry => ({ english, words, context: "", from: [], notes: [], ...more });

test("what was written is read again", () => {
  const entries = [entry('Say "this"', "Sag\tdas\n\\", { context: "a button", from: ["src/a.tsx", "src/b.tsx"], notes: ["{0}: number(total)"] }), entry("Save")];
  expect(readPo(writePo("de", entries))).toEqual(entries);
});

test.each([
  ["texts over several lines", 'msgid ""\n"Save "\n"all"\nmsgstr ""\n"Alles "\n"sichern"\n', [["Save all", "Alles sichern"]]],
  ["lines of another system", 'msgid "Save"\r\nmsgstr "Sichern"\r\n\r\nmsgid "Undo"\r\nmsgstr "Zurück"\r\n', [["Save", "Sichern"], ["Undo", "Zurück"]]],
  ["a guess of a tool", '#, fuzzy\nmsgid "Save"\nmsgstr "Rettung"\n', [["Save", ""]]],
  ["a retired message", '#~ msgid "Old"\n#~ msgstr "Alt"\n', []],
  ["the head alone", 'msgid ""\nmsgstr "Language: de\\n"\n', []],
])("%s", (_, text, messages) => {
  expect(readPo(text).map(({ english, words }) => [english, words])).toEqual(messages);
});

test("a translation keeps its words when the source changes, and new messages come empty", () => {
  const before = [entry("Save", "Sichern"), entry("Gone", "Weg")];
  expect(brought([entry("New"), entry("Save")], before).map(({ english, words }) => [english, words])).toEqual([["New", ""], ["Save", "Sichern"]]);
});

test("a translation has its own plurals and word order, and what it leaves out is said in English", () => {
  const changes = "{0} of {changes, plural, one {# change} other {# changes}} done";
  const i18n = setupI18n({ locale: "pl", messages: { pl: compiled([entry(changes, "{changes, plural, one {# zmiana} few {# zmiany} many {# zmian} other {# zmiany}}, zrobiono {0}"), entry("Save")]) } });
  const said = (count: number) => i18n._(generateMessageId(changes), { 0: "1", changes: count });
  expect([said(1), said(3), said(5)]).toEqual(["1 zmiana, zrobiono 1", "3 zmiany, zrobiono 1", "5 zmian, zrobiono 1"]);
  expect(i18n._(generateMessageId("Save"))).toBe("Save");
});

test("a message that is not valid is named with its file", () => {
  expect(() => compiled([entry("A { brace", "", { from: ["src/a.tsx"] })])).toThrow('The message "A { brace" (src/a.tsx) is not valid');
});
