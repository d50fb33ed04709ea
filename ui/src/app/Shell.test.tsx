import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../testing/window";

test("the first start offers two doors, and sample data leads to the mappings", async () => {
  const user = userEvent.setup();
  openWindow("/", undefined, "empty");
  expect(await screen.findByRole("button", { name: "Connect a system" })).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Try it with sample data" }));
  await waitFor(() => expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Mappings"));
});

test("a closed vault stands before every screen until its passphrase is right", async () => {
  const user = userEvent.setup();
  openWindow("/users", undefined, "locked");
  const passphrase = await screen.findByLabelText("Passphrase");
  expect(screen.queryByRole("navigation")).toBeNull();
  await user.type(passphrase, "wrong{Enter}");
  expect((await screen.findByRole("alert")).textContent).toContain("does not open the vault");
  await user.type(passphrase, "open{Enter}");
  expect(await screen.findByRole("heading", { level: 1, name: "User" })).toBeTruthy();
});

test("Ctrl+K finds a mapping by words, / goes to the search", async () => {
  const user = userEvent.setup();
  openWindow("/users");
  await screen.findByRole("table", { name: "Users" });
  await user.keyboard("/");
  expect(document.activeElement).toBe(screen.getByRole("searchbox", { name: "Search users" }));
  await user.keyboard("{Control>}k{/Control}");
  await user.type(await screen.findByRole("combobox", { name: "Command" }), "open managedUser_sys{Enter}");
  expect(await screen.findByRole("heading", { level: 1, name: "managedUser_systemHubspotContact" })).toBeTruthy();
});

test("? lists the keys, and g with a letter leads to a place", async () => {
  const user = userEvent.setup();
  openWindow("/users");
  await screen.findByRole("table", { name: "Users" });
  await user.keyboard("?");
  const dialog = within(await screen.findByRole("dialog", { name: "Keyboard shortcuts" }));
  expect(dialog.getByText("Go to Mappings")).toBeTruthy();
  // Behind a dialog nothing moves.
  await user.keyboard("gm");
  expect(screen.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeTruthy();
  await user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await user.keyboard("gm");
  expect(await screen.findByRole("heading", { level: 1, name: "Mappings" })).toBeTruthy();
  await user.keyboard("{Alt>}{ArrowLeft}{/Alt}");
  expect(await screen.findByRole("heading", { level: 1, name: "User" })).toBeTruthy();
});

test("a letter alone leads nowhere, however soon after the start it comes", async () => {
  openWindow("/");
  const title = await screen.findByRole("heading", { level: 1, name: "Dashboard" });
  const key = new KeyboardEvent("keydown", { key: "r", bubbles: true, cancelable: true });
  // The clock of events begins with the page.
  Object.defineProperty(key, "timeStamp", { value: 200 });
  document.body.dispatchEvent(key);
  expect(key.defaultPrevented).toBe(false);
  expect(title.isConnected).toBe(true);
});

test("the palette finds people and starts a preview", async () => {
  const user = userEvent.setup();
  const started: unknown[] = [];
  openWindow("/queue", (inner) => async (name, request) => {
    if (name === "run_start") started.push(request);
    return inner(name, request);
  });
  await screen.findByRole("heading", { level: 1, name: "Queue" });
  await user.keyboard("{Control>}k{/Control}");
  await user.type(await screen.findByRole("combobox", { name: "Command" }), "ann");
  await user.click(await screen.findByRole("option", { name: /Ann Lee/ }));
  expect(await screen.findByRole("heading", { level: 1, name: /Ann/ })).toBeTruthy();
  await user.keyboard("{Control>}k{/Control}");
  await user.type(await screen.findByRole("combobox", { name: "Command" }), "preview hubspotcontact_m incr{Enter}");
  await waitFor(() => expect(started).toMatchObject([{ mode: "preview", incremental: true }]));
});

test("a data folder that takes its time to open is told of, in the frame of the first screen", async () => {
  const door = new AbortController();
  const opened = new Promise((resolve) => door.signal.addEventListener("abort", resolve));
  openWindow("/", (inner) => async (name, request) => {
    await opened;
    return inner(name, request);
  });
  expect(await screen.findByText(/is opening its data folder/)).toBeTruthy();
  expect(screen.getByRole("navigation", { name: "Main" })).toBeTruthy();
  door.abort();
  expect(await screen.findByRole("heading", { level: 1, name: "Dashboard" })).toBeTruthy();
  expect(screen.queryByText(/is opening its data folder/)).toBeNull();
});
