import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

import { carryWith } from "../backend";

// jsdom lays nothing out, so the virtualizer would show no row.
for (const [name, value] of [["offsetHeight", 600], ["offsetWidth", 1000]] as const) {
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, value });
}

afterEach(() => {
  cleanup();
  carryWith(undefined);
});
