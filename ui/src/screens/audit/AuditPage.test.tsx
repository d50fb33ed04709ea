import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";

test("the audit is searched and leads to what it is about", async () => {
  const user = userEvent.setup();
  openWindow("/audit");
  const table = await screen.findByRole("table", { name: "Audit" });
  expect(within(table).getByRole("link", { name: "hubspot" }).getAttribute("href")).toContain("/connectors/hubspot");
  await user.type(screen.getByRole("searchbox", { name: "Search the audit" }), "authorized");
  await waitFor(() => expect(screen.getAllByRole("row")).toHaveLength(2));
  await user.clear(screen.getByRole("searchbox", { name: "Search the audit" }));
  await user.selectOptions(screen.getByRole("combobox", { name: "Topic" }), "Mappings");
  await waitFor(() => expect(screen.getByRole("table", { name: "Audit" }).textContent).toContain("systemHubspotContact_managedUser"));
});

test("every topic has its words, and can be asked for", async () => {
  const words = { object: "Objects", scim: "SCIM access", serving: "Serving", settings: "Settings" };
  openWindow("/audit", (inner) => async (name, request) => {
    if (name !== "audit_list") return inner(name, request);
    return { rows: Object.keys(words).map((topic, at) => ({ id: String(at), at: "2026-11-21T08:00:00Z", who: "you", topic, object: "x", detail: "changed" })), next: null };
  });
  const table = await screen.findByRole("table", { name: "Audit" });
  for (const title of Object.values(words)) {
    expect(within(table).getByRole("cell", { name: title })).toBeTruthy();
    expect(within(screen.getByRole("combobox", { name: "Topic" })).getByRole("option", { name: title })).toBeTruthy();
  }
});
