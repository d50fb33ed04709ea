import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import type { QueuePage } from "../../backend/bindings/QueuePage";
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

test.each([
  [0, null],
  [2, "5 need you, 2 in the inbox"],
  [5, "5 need you"],
])("the way to the inbox is offered where it holds %d questions of the mapping", async (total, words) => {
  openWindow("/", (inner) => async (name, request) => {
    if (name === "inbox_list") return { questions: [], next: null, total };
    const answer = await inner(name, request);
    if (name !== "mappings_list") return answer;
    return (answer as MappingSummary[]).map((mapping) => ({ ...mapping, lastRun: mapping.name === "managedUser_systemHubspotContact" && mapping.lastRun ? { ...mapping.lastRun, state: "success", failed: 0, needsYou: 5 } : null }));
  });
  const open = await screen.findByRole("button", { name: "Open the run of managedUser_systemHubspotContact" });
  const item = within(open.closest("li") as HTMLElement);
  if (words === null) expect(item.queryByRole("button", { name: /in the inbox$/ })).toBeNull();
  else expect(await item.findByRole("button", { name: "Decide about the records of managedUser_systemHubspotContact in the inbox" })).toBeTruthy();
  expect(item.getByText(words ?? "5 need you")).toBeTruthy();
});

test("changes that failed for good need somebody", async () => {
  openWindow("/", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    return name === "queue_list" ? { ...(answer as QueuePage), failed: 3 } : answer;
  });
  expect(await screen.findByText("failed to be delivered")).toBeTruthy();
  expect(screen.getByText("3 changes")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Open queue" })).toBeTruthy();
});
