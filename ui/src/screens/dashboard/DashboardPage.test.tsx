import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import { openWindow } from "../../testing/window";

test("a run that failed as a whole needs somebody, with its reason", async () => {
  openWindow("/", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name !== "mappings_list") return answer;
    return (answer as MappingSummary[]).map((mapping) => (mapping.name === "managedUser_systemHubspotContact" && mapping.lastRun ? { ...mapping, lastRun: { ...mapping.lastRun, state: "failed", done: 0, failed: 0, needsYou: 0, message: "HubSpot does not accept the token." } } : mapping));
  });
  const open = await screen.findByRole("button", { name: "Open the run of managedUser_systemHubspotContact" });
  expect(within(open.closest("li") as HTMLElement).getByText("the run failed: HubSpot does not accept the token.")).toBeTruthy();
});
