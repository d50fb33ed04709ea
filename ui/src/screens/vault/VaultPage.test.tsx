import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { AppStatus } from "../../backend/bindings/AppStatus";
import type { VaultStatus } from "../../backend/bindings/VaultStatus";
import { openWindow } from "../../testing/window";

function locked(vault: VaultStatus) {
  openWindow("/", (inner) => async (name, request) => {
    if (name === "vault_unlock") throw { code: "locked", message: "the vault is locked: the passphrase is wrong. Enter it again, or open the vault with its recovery key" };
    const answer = await inner(name, request);
    return name === "app_status" ? { ...(answer as AppStatus), vault } : answer;
  });
}

const text = () => document.querySelector("main")?.textContent ?? "";

test("a locked vault tells of its recovery key, and of nothing that only a terminal knows", async () => {
  const user = userEvent.setup();
  locked({ state: "locked", source: "passphrase", message: "the vault is locked: it is protected by a passphrase", recovered: false });
  const field = await screen.findByLabelText("Passphrase");
  expect(text()).toContain("The recovery key opens the vault too");
  await user.type(field, "wrong{Enter}");
  expect((await screen.findByRole("alert")).textContent).toBe("This does not open the vault. Check the passphrase or the recovery key, and enter it again.");
  expect(text()).not.toContain("CONCORD_");
});

test("where the keyring does not answer, the page says what to do; what it answered is there for those who ask", async () => {
  locked({ state: "locked", source: "keyring", message: "the vault is locked: there is no system keyring here (zbus error: Failed to connect). Unlock the login keyring and start Concord again, or open the vault with its recovery key", recovered: false });
  await screen.findByText(/enter the recovery key here/);
  expect(screen.getByText("What the keyring answered").closest("details")?.open).toBe(false);
});

test("a first passphrase is asked for without the words of a bus", async () => {
  locked({ state: "needsPassphrase", source: null, message: "there is no system keyring here (zbus error: Failed to connect). Choose a passphrase that protects the secrets instead", recovered: false });
  await screen.findByRole("heading", { level: 1, name: "Choose a passphrase" });
  expect(screen.getByText(/zbus/).closest("details")?.open).toBe(false);
  expect(text()).not.toContain("CONCORD_");
});

test("the keyring can be asked again, and says so when it still keeps nothing", async () => {
  const user = userEvent.setup();
  let shut = true;
  openWindow("/", (inner) => async (name, request) => {
    const waits: VaultStatus = { state: "needsPassphrase", source: null, message: "the system keyring did not give access (locked). Choose a passphrase that protects the secrets instead", recovered: false };
    if (name === "vault_use_keyring" && shut) throw { code: "locked", message: "cannot keep the vault's key: the system keyring did not give access (locked). Unlock the login keyring and start Concord again, or protect the vault with a passphrase" };
    const answer = await inner(name, request);
    return name === "app_status" && shut ? { ...(answer as AppStatus), vault: waits } : answer;
  });
  const again = await screen.findByRole("button", { name: "Ask the keyring again" });
  await user.click(again);
  expect((await screen.findByRole("alert")).textContent).toContain("Unlock the login keyring");
  shut = false;
  await user.click(again);
  await screen.findByRole("heading", { level: 1, name: "Dashboard" });
});

test("what finds the vault without a key leads to its page", async () => {
  const user = userEvent.setup();
  let kept = true;
  openWindow("/", (inner) => async (name, request) => {
    if (name === "sample_setup") {
      kept = false;
      throw { code: "locked", message: "cannot keep the vault's key" };
    }
    const answer = await inner(name, request);
    return name === "app_status" && !kept ? { ...(answer as AppStatus), vault: { state: "needsPassphrase", source: null, message: "locked", recovered: false } } : answer;
  }, "empty");
  await user.click(await screen.findByRole("button", { name: /sample data/ }));
  await screen.findByRole("heading", { level: 1, name: "Choose a passphrase" });
});

test("what was typed before the vault shut is there again when it is open, and no key moves it meanwhile", async () => {
  const user = userEvent.setup();
  let shut = false;
  openWindow("/connectors/new?system=hubspot", (inner) => async (name, request) => {
    if (name === "connector_save" && !shut) {
      shut = true;
      throw { code: "locked", message: "cannot keep the vault's key" };
    }
    if (name === "vault_unlock") shut = false;
    const answer = await inner(name, request);
    return name === "app_status" && shut ? { ...(answer as AppStatus), vault: { state: "needsPassphrase", source: null, message: "locked", recovered: false } } : answer;
  });
  await user.type(await screen.findByLabelText("Access token"), "test-token");
  await user.type(screen.getByRole("textbox", { name: "Name" }), "crm");
  await user.click(screen.getByRole("button", { name: "Next: test" }));
  await screen.findByRole("heading", { level: 1, name: "Choose a passphrase" });
  expect(screen.queryByRole("textbox", { name: "Name" })).toBeNull();
  await user.click(screen.getByRole("switch", { name: "Show passphrase" }));
  await user.keyboard("gm{Control>}k{/Control}");
  expect(screen.queryByRole("dialog")).toBeNull();
  await user.type(screen.getByLabelText("Passphrase"), "open{Enter}");
  expect(((await screen.findByRole("textbox", { name: "Name" })) as HTMLInputElement).value).toBe("crm");
  expect((screen.getByLabelText("Access token") as HTMLInputElement).value).toBe("test-token");
  expect(screen.queryByRole("heading", { name: "Choose a passphrase" })).toBeNull();
});
