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

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("Salesforce is connected step by step, and ends on its own data", async ({ host, salesforce, page, context }) => {
      await keys(page, host, salesforce);
      await picture(page, `salesforce-keys-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Next: authorize" }).click();
      await expect(page.getByText("Not authorized yet")).toBeVisible();
      expect((await host.call("connector_get", { name: "salesforce" })).summary.enabled, "nothing untested is switched on").toBe(false);
      await picture(page, `salesforce-authorize-${colorScheme}`);
      await expectAccessible(page);

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
      await picture(page, `salesforce-tested-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Next: object types" }).click();
      await expect(page.getByRole("table", { name: "Object types" }).getByRole("row", { name: /^User \d+/ })).toBeVisible();
      await picture(page, `salesforce-types-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Next: your data" }).click();
      await expect(page.getByRole("table", { name: "First records of User" }).getByRole("row")).toHaveCount(9);
      await picture(page, `salesforce-data-${colorScheme}`);
      await expectAccessible(page);
      const { summary } = await host.call("connector_get", { name: "salesforce" });
      expect([summary.enabled, summary.state]).toEqual([true, "active"]);

      await page.getByRole("button", { name: "Next: a first mapping" }).click();
      await expect(page.getByRole("radio", { name: /Salesforce User/ }).first()).toBeVisible();
      await page.getByRole("button", { name: "Later" }).click();
      await expect(page.getByRole("radio", { name: "Custom" })).toBeChecked();
      await expect(page.getByRole("group", { name: "Consumer secret" })).toContainText("set");
      await picture(page, `salesforce-connector-${colorScheme}`);
      await expectAccessible(page);
      expect(await page.content()).not.toContain(salesforce.clientSecret);
    });
  });
}

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
