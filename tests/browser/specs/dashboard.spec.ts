import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("the dashboard leads from the sample to people in sync, a step at a time", async ({ host, page }) => {
      await open(page, host);
      await page.getByRole("button", { name: "Try it with sample data" }).click();
      await expect(page.getByRole("heading", { level: 1, name: "Mappings" })).toBeVisible();
      await open(page, host);
      const steps = page.getByRole("list", { name: "First steps" });
      await expect(steps.getByRole("listitem").filter({ hasText: "Look at the plan" })).toHaveAttribute("aria-current", "step");
      await picture(page, `dashboard-first-steps-${colorScheme}`);
      await expectAccessible(page);
      await steps.getByRole("button", { name: "Open the mapping" }).click();
      await page.getByRole("button", { name: "Preview", exact: true }).click();
      await page.getByRole("button", { name: /^Reconcile \d+ changes$/ }).click();
      await expect.poll(async () => (await host.call("app_status", {})).users, { timeout: 30_000 }).toBeGreaterThan(30);
      await open(page, host);
      await expect(page.getByRole("heading", { level: 2, name: "Quick start" })).toBeVisible();
      await expect(page.getByRole("table", { name: "Connectors" })).toContainText(/calls|limit not known|at its last answer/);
      await expect(page.getByText(/\d+ today\. A line is drawn here/)).toBeVisible();
    });
  });
}

test("what went wrong is told by its cause, with the way to it", async ({ host, page }) => {
  const { inbound, connector } = await sample(host);
  // Every user needs a text of this length, which the names of the sample do not have.
  const { config } = await host.call("mapping_get", { name: inbound });
  const properties = (config["properties"] as { target: string }[]).filter(({ target }) => target !== "sn");
  await host.call("mapping_save", { create: false, config: { ...config, properties } });
  await reconcile(host, inbound);
  await open(page, host);
  const causes = page.getByRole("list", { name: "Errors by cause" });
  await expect(causes.getByRole("listitem").first()).toContainText(inbound);
  await expect(causes.getByRole("listitem").first()).toContainText(/sn|Last Name/);
  await picture(page, "dashboard-causes");
  await expectAccessible(page);
  await causes.getByRole("button", { name: /^Open run|^Open the run/ }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(connector).toBe("hubspot");
});
