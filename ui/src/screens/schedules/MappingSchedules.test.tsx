import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";

const MAPPING = "systemHubspotContact_managedUser";

test("a schedule is made on its mapping's tab, with its next times before it is saved", async () => {
  const user = userEvent.setup();
  const saved: unknown[] = [];
  openWindow(`/mappings/${MAPPING}?tab=scheduling`, (inner) => async (name, request) => {
    if (name === "schedule_save") saved.push(request);
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "Add schedule" }));
  const dialog = within(await screen.findByRole("dialog", { name: "New schedule" }));
  expect(await dialog.findByText(/^Next, in your time/)).toBeTruthy();
  await user.click(dialog.getByRole("radio", { name: "Incremental" }));
  await user.click(dialog.getByRole("radio", { name: "Cron" }));
  const cron = dialog.getByRole("textbox", { name: "Cron expression" });
  await user.clear(cron);
  await user.type(cron, "0 2 * * *");
  expect((await dialog.findByText(/is not a cron expression/)).textContent).toContain("0 0 2 * * ?");
  expect(cron.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(cron.getAttribute("aria-describedby")?.split(" ").at(-1) ?? "")?.textContent).toContain("is not a cron expression");
  expect((dialog.getByRole("button", { name: "Save" }) as HTMLButtonElement).disabled).toBe(true);
  await user.clear(cron);
  await user.type(cron, "0 0 2 L * ?");
  await waitFor(() => expect((dialog.getByRole("button", { name: "Save" }) as HTMLButtonElement).disabled).toBe(false));
  await user.click(dialog.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(saved).toMatchObject([{ create: true, name: MAPPING, config: { type: "cron", schedule: "0 0 2 L * ?", persisted: true, invokeService: "sync", invokeContext: { action: "reconcile", mapping: MAPPING, incremental: true } } }]));
  expect(await screen.findByRole("table", { name: "Schedules" })).toBeTruthy();
});

test("the changes of a source are followed by one switch", async () => {
  const user = userEvent.setup();
  openWindow(`/mappings/${MAPPING}?tab=scheduling`);
  const follow = await screen.findByRole("switch", { name: "Follow the changes of HubSpot contact" });
  await user.click(follow);
  const row = within(await screen.findByRole("row", { name: /liveSync_hubspot_contact/ }));
  expect(row.getByText("Every 5 minutes")).toBeTruthy();
  await waitFor(() => expect((follow as HTMLInputElement).checked).toBe(true));
  await user.click(follow);
  await waitFor(() => expect((follow as HTMLInputElement).checked).toBe(false));
  // What it was set to stays.
  expect(screen.getByRole("row", { name: /liveSync_hubspot_contact/ })).toBeTruthy();
});

test("where nothing can be followed, it is said why", async () => {
  openWindow("/mappings/managedUser_systemHubspotContact?tab=scheduling");
  const follow = await screen.findByRole("switch", { name: "Follow the changes of User" });
  expect((follow as HTMLInputElement).disabled).toBe(true);
  expect(screen.getByText(/delivered by implicit sync/)).toBeTruthy();
});

test("a schedule is run now and removed, and the list says where to make one", async () => {
  const user = userEvent.setup();
  openWindow(`/mappings/${MAPPING}?tab=scheduling`);
  await user.click(await screen.findByRole("switch", { name: "Follow the changes of HubSpot contact" }));
  await user.click(await screen.findByRole("link", { name: "Schedules" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Schedules" })).toBeTruthy();
  await user.click(await screen.findByRole("button", { name: "Run liveSync_hubspot_contact now" }));
  await waitFor(() => expect(screen.getByText("started, by hand")).toBeTruthy());
  await user.click(screen.getByRole("button", { name: "Remove liveSync_hubspot_contact" }));
  await user.click(await screen.findByRole("button", { name: "Remove 1 schedule" }));
  expect(await screen.findByText(/Nothing happens by itself yet/)).toBeTruthy();
});

test("a name that another schedule has is told at its field, where it is seen", async () => {
  const user = userEvent.setup();
  openWindow(`/mappings/${MAPPING}?tab=scheduling`);
  for (const name of ["nightly", "nightly"]) {
    await user.click(await screen.findByRole("button", { name: "Add schedule" }));
    const field = await screen.findByRole("textbox", { name: "Name" });
    await user.clear(field);
    await user.type(field, name);
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog") === null || field.getAttribute("aria-invalid") === "true").toBe(true));
  }
  const field = screen.getByRole("textbox", { name: "Name" });
  expect(document.getElementById(field.getAttribute("aria-describedby") ?? "")?.textContent).toBe("Schedule \u201cnightly\u201d exists already; choose another name.");
  expect(document.activeElement).toBe(field);
  expect(screen.queryByRole("alert")).toBeNull();
  await user.type(field, "-2");
  expect(field.getAttribute("aria-invalid")).toBeNull();
});
