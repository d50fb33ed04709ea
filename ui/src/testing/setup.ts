import "../locales/language";

import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

import { carryWith } from "../backend";

// Role queries are slow in jsdom, and a build may be running beside the tests.
configure({ asyncUtilTimeout: 20_000 });

// jsdom lays nothing out, so the virtualizer would show no row.
for (const [name, value] of [["clientHeight", 600], ["clientWidth", 1000]] as const) {
  Object.defineProperty(Element.prototype, name, { configurable: true, value });
}

// The router scrolls to the top of a new screen; jsdom cannot.
vi.stubGlobal("scrollTo", () => undefined);

// jsdom has no CSS object; react-aria only escapes its own generated ids with it.
vi.stubGlobal("CSS", { escape: (text: string) => text.replace(/[^\w-]/g, (character) => `\\${character}`) });

afterEach(() => {
  cleanup();
  carryWith(undefined);
});
