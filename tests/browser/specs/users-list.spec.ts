import { readFile } from "node:fs/promises";

import type { Page } from "@playwright/test";

import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

const users = (page: Page) => page.getByRole("table", { name: "Users" });
const pick = (page: Page, name: string) => users(page).getByRole("checkbox", { name: `Select ${name}` });

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("users are filtered, their columns chosen, and several changed, exported and deleted at once", async ({ host, page }) => {
      test.setTimeout(180_000);
      const { inbound, outbound } = await sample(host);
      for (const [given, city] of [["Aaba", "Oslo"], ["Aabb", "Oslo"], ["Aabc", "Graz"]]) await host.createContact({ email: `${given}@list.example.org`.toLowerCase(), firstname: given ?? "", lastname: "Listed", city: city ?? "" });
      await reconcile(host, inbound);
      await open(page, host, "/users");
      await page.getByRole("button", { name: "Filter", exact: true }).click();
      const filter = page.getByRole("group", { name: "Filter" }).first();
      await filter.getByRole("button", { name: "Add comparison" }).click();
      await filter.getByRole("combobox", { name: "Attribute 1" }).fill("sn");
      await page.keyboard.press("Tab");
      await filter.getByRole("combobox", { name: "Comparison 1" }).selectOption("is");
      await filter.getByRole("textbox", { name: "Value 1" }).fill("Listed");
      await expect(page.getByRole("status").filter({ hasText: "found" })).toHaveText("3 users found");
      await users(page).getByRole("button", { name: "First Name" }).click();
      await expect(users(page).getByRole("rowheader").first()).toContainText(/aaba/i);

      await page.getByRole("button", { name: "Columns" }).click();
      await page.getByRole("dialog", { name: "Columns" }).getByRole("checkbox", { name: "City not sortable" }).click();
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toHaveCount(0);
      await expect(users(page).getByRole("columnheader", { name: "City" })).toBeVisible();
      await picture(page, `users-filtered-${colorScheme}`);
      await expectAccessible(page);

      // A range with the shift key, and one more with the space bar.
      await pick(page, "Aaba Listed").click();
      await pick(page, "Aabb Listed").click({ modifiers: ["Shift"] });
      const bar = page.getByRole("group", { name: "Selected" });
      await expect(bar).toContainText("2 users selected");
      await bar.getByRole("button", { name: "Set attribute" }).click();
      const dialog = page.getByRole("dialog", { name: "Set an attribute of 2 users" });
      await expect(dialog.getByRole("combobox", { name: "Attribute" })).toHaveValue("Status");
      await expect(dialog.getByRole("button", { name: "Change 2 users" })).toBeDisabled();
      await dialog.getByRole("combobox", { name: "Status" }).selectOption("inactive");
      await dialog.getByRole("button", { name: "Change 2 users" }).click();
      await expect(dialog).toHaveCount(0);
      await expect(users(page).getByRole("row").filter({ hasText: "inactive" })).toHaveCount(2);

      await bar.getByRole("button", { name: "Export CSV" }).click();
      const exported = page.getByRole("dialog", { name: "Exported" });
      await expect(exported).toContainText("2 users");
      const table = await readFile((await exported.locator("code").textContent()) ?? "", "utf8");
      expect(table.trim().split("\n")).toHaveLength(3);
      expect(table).toContain("inactive");
      await exported.getByRole("button", { name: "Close" }).click();

      // What a delete does elsewhere is read before it is done.
      const { config } = await host.call("mapping_get", { name: outbound });
      await host.call("mapping_save", { create: false, config: { ...config, policies: [{ situation: "SOURCE_MISSING", action: "DELETE" }] } });
      await bar.getByRole("button", { name: "Delete" }).click();
      const asked = page.getByRole("dialog", { name: "Delete 2 users?" });
      await expect(asked.getByRole("list", { name: "What happens elsewhere" })).toContainText("2 records will be deleted there");
      await expect(asked).toContainText("Aaba Listed");
      await picture(page, `users-delete-${colorScheme}`);
      await expectAccessible(page);
      await asked.getByRole("button", { name: "Delete 2 users" }).click();
      await expect(page.getByRole("status").filter({ hasText: "found" })).toHaveText("1 user found");
      await expect(bar).toHaveCount(0);
      await expect.poll(async () => (await host.contacts()).filter(({ properties, archived }) => properties["lastname"] === "Listed" && !archived).length).toBe(1);
    });
  });
}

test("columns and filter are there again after a visit elsewhere", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await open(page, host, '/users?filter=%22%2FaccountStatus%20eq%20%5C%22active%5C%22%22');
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("dialog", { name: "Columns" }).getByRole("checkbox", { name: "Email Address" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(users(page).getByRole("columnheader", { name: "Email Address" })).toHaveCount(0);
  await users(page).getByRole("rowheader").first().getByRole("button").click();
  await expect(page.getByRole("textbox", { name: "Last Name" })).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "User", exact: true }).click();
  await expect(page.getByRole("group", { name: "Filter" }).getByRole("combobox", { name: "Attribute 1" })).toHaveValue("accountStatus");
  await expect(users(page).getByRole("columnheader", { name: "Email Address" })).toHaveCount(0);
});

test("rows are picked with the keyboard alone, and everything that matches at once", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await open(page, host, "/users");
  const total = (await host.call("app_status", {})).users;
  await users(page).getByRole("rowheader").first().getByRole("button").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+Space");
  const bar = page.getByRole("group", { name: "Selected" });
  await expect(bar).toContainText("3 users selected");
  await page.getByRole("checkbox", { name: "Select all rows" }).check();
  await expect(bar).toContainText(`${total} users selected`);
  await bar.getByRole("button", { name: "Clear" }).click();
  await expect(bar).toHaveCount(0);
});

test("a long search without a blank widens nothing", async ({ host, page }) => {
  await sample(host);
  await open(page, host, `/users?q=${"x".repeat(300)}`);
  await expect(page.getByRole("main").getByText("No user has an attribute that starts with")).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
});

test("a filter that no index serves says so, and a filter that is none is told", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await open(page, host, '/users?filter=%22%2Fcity%20pr%22');
  await expect(page.getByText("every object has to be looked at")).toBeVisible();
  await page.getByRole("button", { name: "Show as text" }).click();
  await page.getByRole("textbox", { name: "Filter as text" }).fill("city pr and (");
  await expect(page.getByRole("group", { name: "Filter" }).first()).toContainText(/filter/i);
  await expect(page.getByRole("textbox", { name: "Filter as text" })).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("button", { name: "Clear filter" }).click();
  await expect(users(page)).toBeVisible();
});

test("any managed type has a list and an editor of the same kind", async ({ host, page }) => {
  const config = { name: "organization", schema: { title: "Organization", type: "object", order: ["name", "country"], required: ["name"], properties: { name: { type: "string", title: "Name", searchable: true }, country: { type: "string", title: "Country", searchable: true } } } };
  const saved = await host.call("managed_type_save", { config, create: true, rev: null, confirmed: true });
  expect(saved.saved).toBe(true);
  await open(page, host, "/types");
  await page.getByRole("link", { name: "Objects of Organization" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Organization" })).toBeVisible();
  await page.getByRole("button", { name: "New organization" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("textbox", { name: "Name" }).fill("Acme");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Acme" })).toBeVisible();
  await picture(page, "organization");
  await expectAccessible(page);
  await page.getByRole("main").getByRole("link", { name: "Organization", exact: true }).click();
  await expect(page.getByRole("table", { name: "Organization" }).getByRole("rowheader")).toHaveText(["Acme"]);
  await page.getByRole("table", { name: "Organization" }).getByRole("button", { name: "Acme" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete Acme?" });
  await expect(dialog).toContainText("Nothing happens in other systems");
  await dialog.getByRole("button", { name: "Delete 1 organization" }).click();
  await expect(page.getByText("No organizations yet")).toBeVisible();
});

test.describe("in a narrow window", () => {
  test.use({ viewport: { width: 900, height: 600 } });

  test("what was found gives way to the title, not the other way round", async ({ host, page }) => {
    const { inbound } = await sample(host);
    await reconcile(host, inbound);
    await open(page, host, "/users");
    await page.getByRole("searchbox", { name: "Search users" }).fill("nobody-of-this-name");
    await expect(page.getByText("0 users found")).toBeVisible();
    const title = page.getByRole("heading", { level: 1, name: "User" });
    expect(await title.evaluate((shown) => shown.getBoundingClientRect().width >= (shown.firstElementChild?.getBoundingClientRect().width ?? Infinity))).toBe(true);
  });
});
