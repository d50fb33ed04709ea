import { describe, expect, test } from "vitest";

import { extracted } from "../../build/extract.ts";
import { brought, compiled } from "./catalogue";
import { readPo, writePo } from "./po";

const SOURCES = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.test.{ts,tsx}", "!../backend/bindings/**"], { eager: true, query: "?raw", import: "default" });
const CATALOGUES = import.meta.glob<string>("./*/messages.po", { eager: true, query: "?raw", import: "default" });

const source = extracted(Object.fromEntries(Object.entries(SOURCES).map(([path, text]) => [path.replace(/^\.\.\//, "src/"), text])));

test("the English catalogue holds what the source says", async () => {
  expect(source.length).toBeGreaterThan(500);
  expect(() => compiled(source)).not.toThrow();
  await expect(writePo("en", source.map((entry) => ({ ...entry, words: entry.english })))).toMatchFileSnapshot("./en/messages.po", "run npm run messages");
});

/** Missing words are said in English; words for a message that is gone are dropped by `npm run messages`. */
describe.each(Object.entries(CATALOGUES).filter(([path]) => path !== "./en/messages.po"))("%s", (path, text) => {
  test("it holds every message of the source", async () => {
    await expect(writePo(path.split("/")[1] ?? "", brought(source, readPo(text)))).toMatchFileSnapshot(path, "run npm run messages");
  });
});
