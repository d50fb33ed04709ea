import { expect, test } from "vitest";

import { forgotten } from "../../build/literals.ts";

const SOURCES = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.test.{ts,tsx}", "!../backend/{bindings/**,fixture.ts}", "!./po.ts", "!../testing/**", "!../parts/Icon.tsx", "!../words/attributes.ts"], { eager: true, query: "?raw", import: "default" });

test("every text that a person sees or hears is a message", () => {
  expect(Object.keys(SOURCES).length).toBeGreaterThan(150);
  expect(forgotten(Object.fromEntries(Object.entries(SOURCES).map(([path, text]) => [path.replace(/^\.\.\//, "src/"), text])))).toEqual([]);
});
