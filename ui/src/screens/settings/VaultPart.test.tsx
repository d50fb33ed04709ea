import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { AppStatus } from "../../backend/bindings/AppStatus";
import { openWindow } from "../../testing/window";

test("a recovery key, which is shown once, is left by its button only", async () => {
  const user = userEvent.setup();
  openWindow("/settings");
  await user.click(await screen.findByRole("button", { name: "New recovery key" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Make a new one" }));
  const shown = await screen.findByRole("dialog", { name: "Your recovery key" });
  const key = within(shown).getByLabelText("Recovery key").textContent;
  await user.keyboard("{Escape}");
  await user.click(document.body);
  expect(within(screen.getByRole("dialog", { name: "Your recovery key" })).getByLabelText("Recovery key").textContent).toBe(key);
  await user.click(within(shown).getByRole("button", { name: "I have written it down" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

test("the keyboard goes into the form that a button opens, and comes back to it", async () => {
  const user = userEvent.setup();
  openWindow("/settings");
  const open = await screen.findByRole("button", { name: /^(Set|Change) passphrase$/ });
  await user.click(open);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("New passphrase")));
  await user.click(screen.getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("button", { name: /^(Set|Change) passphrase$/ })));
});

test("a vault that its recovery key has opened is put back into the keyring", async () => {
  const user = userEvent.setup();
  let recovered = true;
  openWindow("/settings", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "vault_use_keyring") recovered = false;
    return name === "app_status" ? { ...(answer as AppStatus), vault: { ...(answer as AppStatus).vault, recovered } } : answer;
  });
  await screen.findByText(/was opened with its recovery key/);
  await user.click(screen.getByRole("button", { name: "Use the keyring" }));
  await waitFor(() => expect(screen.queryByText(/was opened with its recovery key/)).toBeNull());
  expect(screen.queryByRole("button", { name: "Use the keyring" })).toBeNull();
});

test("what a passphrase protects can be put into the keyring, and a keyring that does not answer leaves it so", async () => {
  const user = userEvent.setup();
  openWindow("/settings", (inner) => async (name, request) => {
    if (name === "vault_use_keyring") throw { code: "invalid", message: "there is no system keyring here; nothing was changed" };
    const answer = await inner(name, request);
    return name === "app_status" ? { ...(answer as AppStatus), vault: { ...(answer as AppStatus).vault, source: "passphrase" } } : answer;
  });
  await user.click(await screen.findByRole("button", { name: "Use the keyring" }));
  expect((await screen.findByRole("alert")).textContent).toContain("nothing was changed");
  expect(screen.getByRole("button", { name: "Use the keyring" })).toBeTruthy();
});
