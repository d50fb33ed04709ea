import type { Page } from "@playwright/test";

import { expect, open, picture, reconcile, sample, test } from "../support/test";

const go = (page: Page, place: string) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: place }).click();

/** Presses the button that carries out a plan, and gives the number that it said. */
async function carryOut(page: Page): Promise<number> {
  const button = page.getByRole("button", { name: /^(Reconcile|Undo) [\d,]+ changes?$/ });
  const changes = Number((await button.textContent())?.replace(/\D/g, ""));
  await button.click();
  await expect(page.getByRole("status").filter({ hasText: /\b([\d,]+) of \1 changes? done/ })).toBeVisible();
  return changes;
}

test("a first day: sample data, preview, reconcile, a change by hand, and it is in HubSpot", async ({ host, page }) => {
  await open(page, host);
  await page.getByRole("button", { name: "Try it with sample data" }).click();
  await expect(page.getByRole("link", { name: "systemHubspotContact_managedUser" })).toBeVisible();
  await go(page, "Mappings");
  await page.getByRole("list", { name: /^Mappings/ }).getByRole("link", { name: "systemHubspotContact_managedUser" }).click();

  // Preview says what would be done, and does nothing.
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Preview" })).toBeVisible();
  await expect(page.getByRole("table", { name: "Records" })).toContainText("ABSENT");
  expect((await host.call("app_status", {})).users).toBe(0);
  await picture(page, "story-1-preview");

  const created = await carryOut(page);
  await picture(page, "story-2-reconciled");
  expect(created).toBeGreaterThan(30);
  expect((await host.call("app_status", {})).users).toBe(created);

  // The same again finds nothing.
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await expect(page.getByText("Nothing to reconcile")).toBeVisible();

  // A person is changed by hand, and the change goes out at once.
  await go(page, "User");
  await expect(page.getByRole("status").filter({ hasText: `${created} users` })).toBeVisible();
  const contact = (await host.contacts()).find(({ properties }) => properties["email"] && properties["lastname"]);
  const mail = String(contact?.properties["email"]);
  await page.getByRole("searchbox", { name: "Search users" }).fill(mail);
  await expect(page.getByRole("table", { name: "Users" }).getByRole("rowheader")).toHaveCount(1);
  await page.getByRole("table", { name: "Users" }).getByRole("cell", { name: mail.toLowerCase() }).first().click();
  await page.getByRole("textbox", { name: "Last Name" }).fill("Ångström-O’Neill");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("list", { name: "Delivery per target" })).toContainText("synced");
  await picture(page, "story-3-user");
  expect((await host.contact(String(contact?.id))).properties["lastname"]).toBe("Ångström-O’Neill");

  // What came from here does not come back as news, in neither direction.
  for (const mapping of ["managedUser_systemHubspotContact", "systemHubspotContact_managedUser"]) {
    await go(page, "Mappings");
    await page.getByRole("link", { name: mapping }).click();
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await expect(page.getByText("Nothing to reconcile"), `nothing to do for ${mapping}`).toBeVisible();
  }
});

test("a change in the CRM arrives with its before and after", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await host.createContact({ email: "Grace@Example.org", firstname: "Grace", lastname: "Hopper" });

  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  const records = page.getByRole("table", { name: "Records" });
  await records.getByRole("rowheader", { name: /Grace/ }).click();
  const details = page.getByRole("complementary", { name: /^Details of .*Grace/ });
  const change = (attribute: string) => details.getByRole("table", { name: "Before and after" }).getByRole("row").filter({ has: page.getByRole("rowheader", { name: attribute, exact: true }) });
  await expect(change("mail")).toContainText("grace@example.org");
  await expect(change("sn")).toContainText("Hopper");
  await picture(page, "record");
  expect(await carryOut(page)).toBe(1);

  const { users } = await host.call("users_list", { search: "grace@example.org", filter: null, sort: null, after: null, limit: 10 });
  expect(users.map(({ attributes }) => attributes["givenName"])).toEqual(["Grace"]);
});

test("an import is taken back after a look at what that means", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  const { users } = await host.call("app_status", {});
  expect(users).toBeGreaterThan(30);

  await open(page, host, `/mappings/${inbound}?tab=runs`);
  await page.getByRole("table", { name: "Runs" }).getByRole("rowheader").first().click();
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  // It deletes more than the guard lets through, so it asks first, with the number.
  await page.getByRole("button", { name: `Allow ${users} deletes for this run` }).click();
  expect((await host.call("app_status", {})).users).toBe(users);
  await picture(page, "undo");
  await page.getByRole("dialog").getByRole("button", { name: `Delete ${users} and undo` }).click();
  await expect.poll(async () => (await host.call("app_status", {})).users).toBe(0);
  // Users are gone here; nobody was deleted in HubSpot.
  expect((await host.contacts()).filter(({ archived }) => !archived).length).toBeGreaterThan(30);

  // Whoever comes back to the run sees that it has been taken back.
  await expect(page.getByRole("status").filter({ hasText: `${users} of ${users} changes done` })).toBeVisible();
  await page.getByRole("tab", { name: "Runs", exact: true }).click();
  await page.getByRole("table", { name: "Runs" }).getByRole("rowheader").last().click();
  await expect(page.getByText(`${users} changes were made to take this back`)).toBeVisible();
  await expect(page.getByRole("button", { name: "Undo again" })).toBeVisible();
  await picture(page, "undone");
});

test("a user that does not meet the policies is not saved, and the form says why", async ({ host, page }) => {
  await sample(host);
  await open(page, host, "/users/new");
  await page.getByRole("textbox", { name: "Username" }).fill("ada");
  await page.getByRole("textbox", { name: "First Name" }).fill("Ada");
  await page.getByRole("textbox", { name: "Last Name" }).fill("Lovelace");
  await page.getByRole("textbox", { name: "Email Address" }).fill("not an address");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert").first()).toContainText("Email Address");
  await expect(page.getByRole("textbox", { name: "Email Address" })).toHaveAttribute("aria-invalid", "true");
  expect((await host.call("app_status", {})).users).toBe(0);

  await page.getByRole("textbox", { name: "Email Address" }).fill("ada@example.org");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("list", { name: "Delivery per target" })).toContainText("synced");
  const contacts = await host.contacts();
  expect(contacts.filter(({ properties }) => properties["email"] === "ada@example.org").map(({ properties }) => properties["lastname"])).toEqual(["Lovelace"]);
});
