import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";

test("serving is switched on, shows where, and the password once", async () => {
  const user = userEvent.setup();
  openWindow("/settings");
  const serve = await screen.findByRole("switch", { name: "Serve" });
  const port = screen.getByLabelText("Port");
  await user.clear(port);
  await user.type(port, "70000");
  expect(serve).toHaveProperty("disabled", true);
  await user.clear(port);
  await user.type(port, "8085");
  await user.click(serve);
  expect(await screen.findByText("http://127.0.0.1:8085/scim/v2")).toBeTruthy();
  expect(screen.getByText("test-password-1")).toBeTruthy();
  expect(screen.queryByText("http://127.0.0.1:8085/people")).toBeNull();
  await user.click(screen.getByRole("switch", { name: "People may create accounts" }));
  expect(await screen.findByText("http://127.0.0.1:8085/people")).toBeTruthy();
  expect(screen.getByText("test-password-1"), "still to be copied").toBeTruthy();
  await user.click(screen.getByRole("button", { name: "New password" }));
  expect(await screen.findByText("test-password-2")).toBeTruthy();
  expect(screen.queryByText("test-password-1")).toBeNull();
  await user.click(screen.getByRole("switch", { name: "Serve" }));
  await waitFor(() => expect(screen.queryByText("http://127.0.0.1:8085/scim/v2")).toBeNull());
});

test("a SCIM token is made, shown once, and revoked after a second press", async () => {
  const user = userEvent.setup();
  openWindow("/settings");
  await user.type(await screen.findByLabelText("Token name"), "okta");
  await user.selectOptions(screen.getByLabelText("Client"), "okta");
  await user.click(screen.getByRole("button", { name: "Create token" }));
  expect(await screen.findByText("test-token-okta")).toBeTruthy();
  await user.click(await screen.findByRole("button", { name: "Revoke okta…" }));
  await user.click(screen.getByRole("button", { name: "Revoke okta" }));
  expect(await screen.findByText("No SCIM client has a token yet.")).toBeTruthy();
});
