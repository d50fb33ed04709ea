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
