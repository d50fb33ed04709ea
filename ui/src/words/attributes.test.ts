import { i18n } from "@lingui/core";
import { screen } from "@testing-library/react";
import { beforeAll, expect, test } from "vitest";

import { compiled } from "../locales/catalogue";
import catalogue from "../locales/en/messages.po?raw";
import { readPo } from "../locales/po";
import { pseudo } from "../locales/pseudo";

let addressOf: typeof import("../screens/mappings/editor/records").addressOf;
let openWindow: typeof import("../testing/window").openWindow;

// Some texts are made as their file is read, so the language is there before the program is.
beforeAll(async () => {
  i18n.load(i18n.locale, compiled(readPo(catalogue), pseudo));
  ({ addressOf } = await import("../screens/mappings/editor/records"));
  ({ openWindow } = await import("../testing/window"));
}, 120_000);

test("attributes have the same names in every language", async () => {
  const attributes = { Email: "ann@example.org", Company: "Lee Ltd", Phone: "+41 1" };
  expect(addressOf({ id: "003", title: "Ann Lee", attributes })).toBe("ann@example.org");
  openWindow("/inbox", (inner) => async (name, request) => (name === "records_named" ? { records: (request as { ids: string[] }).ids.map((id) => ({ id, title: id, attributes })), stale: null } : inner(name, request)));
  expect((await screen.findAllByText("ann@example.org, Lee Ltd, +41 1")).length).toBeGreaterThan(0);
});
