import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";
import { matching, readOthers } from "./others";

test("the licences of others are read and searched", async () => {
  const user = userEvent.setup();
  openWindow("/settings");
  await user.click(await screen.findByRole("button", { name: "Show the licences of others" }));
  const dialog = await screen.findByRole("dialog", { name: "Licences of others" });
  expect(await within(dialog).findByText(/^\d{3} parts by others$/)).toBeTruthy();
  await user.type(within(dialog).getByRole("searchbox"), "react-dom");
  // They are all here, so that no row moves away a moment after the last letter, from under the pointer.
  expect(within(dialog).getByText("1 part by others")).toBeTruthy();
  const row = within(dialog).getByRole("button", { name: /^react-dom/ });
  expect(within(dialog).queryByText(/Permission is hereby granted/)).toBeNull();
  await user.click(row);
  expect(within(dialog).getByText(/Permission is hereby granted/)).toBeTruthy();
  await user.click(row);
  expect(within(dialog).queryByText(/Permission is hereby granted/)).toBeNull();
});

test("every part has a licence and a text that is there", async () => {
  const { parts, texts } = await readOthers();
  expect(parts.length).toBeGreaterThan(300);
  for (const part of parts) {
    expect(part.licence, part.name).not.toBe("");
    expect(part.texts.length, part.name).toBeGreaterThan(0);
    for (const number of part.texts) expect(texts[number], part.name).toBeTruthy();
  }
  expect(matching(parts, "tauri 2").map((part) => part.name)).toContain("tauri");
  expect(matching(parts, " MPL-2.0 ").every((part) => part.licence.includes("MPL-2.0"))).toBe(true);
});
