import { screen, waitFor } from "@testing-library/react";
import axe from "axe-core";
import { expect, test } from "vitest";

import { openWindow } from "./window";

// jsdom draws nothing, so contrast cannot be judged here.
const OPTIONS: axe.RunOptions = { resultTypes: ["violations"], rules: { "color-contrast": { enabled: false } } };

test.each([
  ["/", "Dashboard"],
  ["/connectors", "Connectors"],
  ["/connectors/new", "New connector"],
  ["/connectors/hubspotEu", "hubspotEu"],
  ["/mappings", "Mappings"],
  ["/mappings/systemHubspotContact_managedUser", "systemHubspotContact_managedUser"],
  ["/runs", "Runs"],
  ["/runs/run-3", "Reconciliation of systemHubspotContact_managedUser"],
  ["/users", "User"],
  ["/users/new", "New user"],
  ["/connectors/new?system=salesforce", "New connector"],
  ["/types", "Managed Objects"],
  ["/types/user", "User"],
  ["/types/new", "New type"],
  ["/inbox", "Inbox"],
  ["/queue", "Queue"],
  ["/audit", "Audit"],
  ["/settings", "Settings"],
])("%s is headed %s and has nothing that axe objects to", async (address, heading) => {
  openWindow(address);
  await screen.findByRole("heading", { level: 1, name: heading });
  await waitFor(() => expect(document.querySelector(".animate-pulse-soft")).toBeNull());
  const { violations } = await axe.run(document.body, OPTIONS);
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
});
