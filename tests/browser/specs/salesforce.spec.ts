import type { Page } from "@playwright/test";

import type { Host } from "../support/host";
import { Salesforce } from "../support/salesforce";
import { expect, expectAccessible, open, picture, test as base } from "../support/test";

const test = base.extend<{ salesforce: Salesforce }>({
  // oxlint-disable-next-line no-empty-pattern
  salesforce: async ({}, use) => {
    const salesforce = await Salesforce.start();
    await use(salesforce);
    await salesforce.stop();
  },
});

/** Fills the step of the keys for the organization and goes on. */
async function keys(page: Page, host: Host, salesforce: Salesforce): Promise<void> {
  await open(page, host, "/connectors/new");
  await page.getByRole("button", { name: "Connect Salesforce" }).click();
  await page.getByRole("radio", { name: "Custom" }).check();
  await page.getByRole("textbox", { name: "Login URL" }).fill(salesforce.url);
  await page.getByRole("textbox", { name: "Consumer key" }).fill(salesforce.clientId);
  await page.getByLabel("Consumer secret").fill(salesforce.clientSecret);
}

/** Keeps pictures of the screen by day and by night, accessible in both. */
async function looked(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `${name}-${colorScheme}`);
    await expectAccessible(page);
  }
}

// The browser comes back to the port that Concord always listens on: this test is the only one.
test("Salesforce is connected step by step, and ends on its own data", async ({ host, salesforce, page, context }) => {
  test.slow();
  await keys(page, host, salesforce);
  await looked(page, "salesforce-keys");
  await page.getByRole("button", { name: "Next: authorize" }).click();
  await expect(page.getByText("Not authorized yet")).toBeVisible();
  expect((await host.call("connector_get", { name: "salesforce" })).summary.enabled, "nothing untested is switched on").toBe(false);
  await looked(page, "salesforce-authorize");

  await page.getByRole("radio", { name: "In my browser" }).check();
  const opened = host.opened();
  await page.getByRole("button", { name: "Authorize", exact: true }).click();
  await expect(page.getByText("Waiting for Salesforce.")).toBeVisible();
  const browser = await context.newPage();
  await browser.goto(await opened);
  await browser.getByRole("button", { name: "Allow" }).click();
  await expect(browser.getByText("You can close this window")).toBeVisible();

  await expect(page.getByText("tested and switched on")).toBeVisible();
  await expect(page.getByRole("list", { name: "Checked" })).toContainText("User: can read");
  await looked(page, "salesforce-tested");
  await page.getByRole("button", { name: "Next: object types" }).click();
  await expect(page.getByRole("table", { name: "Object types" }).getByRole("row", { name: /^User \d+/ })).toBeVisible();
  await looked(page, "salesforce-types");
  // What is not there is told before anything is saved; what is there is taken.
  const others = page.getByRole("textbox", { name: "Others, by their API names" });
  await others.fill("PermissionSet Nope__c");
  await page.getByRole("button", { name: "Next: your data" }).click();
  await expect(page.getByText("There is no object type Nope__c, or the account that Concord uses does not see it.")).toBeVisible();
  await expect(others).toBeFocused();
  expect(JSON.stringify((await host.call("connector_get", { name: "salesforce" })).config)).not.toContain("Nope__c");
  await looked(page, "salesforce-types-unknown");
  await others.fill("");
  await page.getByRole("button", { name: "Next: your data" }).click();
  await expect(page.getByRole("table", { name: "First records of User" }).getByRole("row")).toHaveCount(9);
  await looked(page, "salesforce-data");
  const { summary } = await host.call("connector_get", { name: "salesforce" });
  expect([summary.enabled, summary.state]).toEqual([true, "active"]);

  await page.getByRole("button", { name: "Next: a first mapping" }).click();
  await expect(page.getByRole("radio", { name: /Salesforce User/ }).first()).toBeVisible();
  await page.getByRole("button", { name: "Later" }).click();
  await expect(page.getByRole("radio", { name: "Custom" })).toBeChecked();
  await expect(page.getByRole("group", { name: "Consumer secret" })).toContainText("set");
  await looked(page, "salesforce-connector");
  expect(await page.content()).not.toContain(salesforce.clientSecret);
});

test("client credentials are turned away at the common login before anything is saved", async ({ host, salesforce, page }) => {
  await keys(page, host, salesforce);
  await page.getByRole("radio", { name: "Sandbox" }).check();
  await expect(page.getByRole("textbox", { name: "Login URL" })).toHaveAttribute("readonly", "");
  await expect(page.getByRole("textbox", { name: "Login URL" })).toHaveValue(/test\.salesforce\.com/);
  await page.getByRole("radio", { name: "Client credentials" }).check();
  await page.getByRole("button", { name: "Next: test" }).click();
  await expect(page.getByText("your My Domain only")).toBeVisible();
  expect(await host.call("connectors_list", {})).toEqual([]);
});
