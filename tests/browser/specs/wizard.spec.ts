import type { Page } from "@playwright/test";

import { expect, expectAccessible, open, picture, test } from "../support/test";

/** Tabs to a control and presses Enter on it, as somebody without a mouse does. */
async function press(page: Page, name: string | RegExp): Promise<void> {
  const button = page.getByRole("button", { name, exact: typeof name === "string" });
  await expect(button).toBeEnabled();
  for (let i = 0; i < 80; i += 1) {
    if (await button.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  await expect(button).toBeFocused();
  await page.keyboard.press("Enter");
}

test("from nothing to a plan on the sandbox's people, by the keyboard alone", async ({ host, page }) => {
  await open(page, host, "/connectors/new");
  await press(page, "Use the HubSpot sandbox");
  await expect(page.getByText("tested and switched on")).toBeVisible();
  await press(page, "Next: object types");
  await expect(page.getByRole("table", { name: "Object types" })).toBeVisible();
  await press(page, "Next: your data");
  await expect(page.getByRole("table", { name: "First records of contact" }).getByRole("row")).toHaveCount(9);
  await press(page, "Next: a first mapping");
  await press(page, /^Add 2 mappings and preview$/);
  await expect(page.getByRole("button", { name: /^Reconcile \d+ changes$/ })).toBeVisible();
  expect((await host.call("mappings_list", {})).map(({ name }) => name)).toEqual(["systemHubspotContact_managedUser", "managedUser_systemHubspotContact"]);
  expect((await host.call("app_status", {})).users, "a preview writes nothing").toBe(0);
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("Salesforce's users need a profile, which is picked from the real ones", async ({ host, page }) => {
      await open(page, host, "/connectors/new");
      await page.getByRole("button", { name: "Use the Salesforce sandbox" }).click();
      await expect(page.getByText("tested and switched on")).toBeVisible();
      await page.getByRole("button", { name: "Next: object types" }).click();
      await expect(page.getByRole("row", { name: /^User \d+/ })).toBeVisible();
      await page.getByRole("checkbox", { name: "GroupMember" }).uncheck();
      await page.getByRole("button", { name: "Next: your data" }).click();
      // A changed choice is tested before the way goes on.
      await expect(page.getByRole("heading", { level: 2, name: /Your data|Test/ })).toBeVisible();
      await expect.poll(async () => (await host.call("connectors_list", {}))[0]?.state).toBe("active");
      expect((await host.call("connectors_list", {}))[0]?.objectTypes).not.toContain("GroupMember");
      await open(page, host, "/connectors/new?system=salesforce&name=salesforce&step=mapping");
      await page.getByRole("radio", { name: /User \u21c4 User/ }).check();
      await page.getByRole("button", { name: "Add 2 mappings and preview" }).click();
      const profile = page.getByRole("combobox", { name: "Profile" });
      await expect(profile).toHaveAttribute("aria-invalid", "true");
      await picture(page, `wizard-mapping-${colorScheme}`);
      await expectAccessible(page);
      await profile.selectOption({ label: "Standard User" });
      await page.getByRole("button", { name: "Add 2 mappings and preview" }).click();
      await expect(page.getByRole("button", { name: /^Reconcile \d+ changes$/ })).toBeVisible();
      const { config } = await host.call("mapping_get", { name: "managedUser_systemSalesforceUser" });
      expect(JSON.stringify(config)).not.toContain("<id of");
    });

    test("a connector that never passed its test is not left behind without a word", async ({ host, page }) => {
      await open(page, host, "/connectors/new?system=hubspot");
      await page.getByLabel("Access token").fill("not-the-key");
      await page.getByText("Advanced", { exact: true }).click();
      await page.getByRole("textbox", { name: "API address", exact: true }).fill(host.sandbox);
      await page.getByRole("button", { name: "Next: test" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      const leave = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Dashboard" });
      await leave.click();
      const question = page.getByRole("dialog");
      await expect(question).toContainText("has not passed a test yet");
      await picture(page, `wizard-leave-${colorScheme}`);
      await expectAccessible(page);
      await question.getByRole("button", { name: "Stay here" }).click();
      await leave.click();
      await question.getByRole("button", { name: "Keep it switched off" }).click();
      await expect(page.getByRole("heading", { level: 1, name: "Dashboard" })).toBeVisible();
      expect((await host.call("connectors_list", {})).map(({ state }) => state)).toEqual(["disabled"]);
    });
  });
}
