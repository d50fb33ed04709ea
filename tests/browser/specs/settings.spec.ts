import { connect } from "../support/connector";
import { expect, expectAccessible, open, picture, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("a recovery key is shown once, and the keys are changed", async ({ host, page }) => {
      await connect(host, "crm", {}, { accessToken: "sandbox-service-key" });
      await open(page, host, "/settings");
      await page.getByRole("button", { name: "New recovery key" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Make a new one" }).click();
      const shown = page.getByLabel("Recovery key", { exact: true });
      await expect(shown).not.toHaveText("");
      const key = String(await shown.textContent());
      expect(key.length).toBeGreaterThan(20);
      await expectAccessible(page);
      await page.getByRole("button", { name: "I have written it down" }).click();
      await expect(page.locator("body")).not.toContainText(key);

      await page.getByRole("button", { name: "Rotate keys" }).click();
      await expect(page.getByText(/secrets? sealed with a fresh key/)).toBeVisible();

      await page.getByRole("button", { name: "Change passphrase" }).click();
      await page.getByLabel("New passphrase").fill("short");
      await page.getByLabel("Once more").fill("another");
      await page.getByRole("button", { name: "Change passphrase" }).click();
      await expect(page.getByText("At least 8 characters.")).toBeVisible();
      await expect(page.getByText("This is not the same as above.")).toBeVisible();
      await picture(page, `settings-vault-${colorScheme}`);
      await expectAccessible(page);
      await page.getByLabel("New passphrase").fill("quite another passphrase");
      await page.getByLabel("Once more").fill("quite another passphrase");
      await page.getByRole("button", { name: "Change passphrase" }).click();
      await expect(page.getByLabel("New passphrase")).toHaveCount(0);
      expect((await host.call("connector_test", { name: "crm" })).ok, "what was sealed can still be read").toBe(true);
    });

    test("the way to the network is kept, and half of one refused at its field", async ({ host, page }) => {
      await open(page, host, "/settings");
      await page.getByRole("navigation", { name: "Parts of the settings" }).getByRole("button", { name: "Network" }).click();
      await page.getByRole("textbox", { name: "Proxy port" }).fill("3128");
      await page.getByRole("button", { name: "Save network" }).click();
      await expect(page.getByRole("textbox", { name: "Proxy host" })).toHaveAttribute("aria-invalid", "true");
      await page.getByRole("textbox", { name: "Proxy host" }).fill("proxy.example.org");
      await page.getByRole("textbox", { name: "Proxy user" }).fill("ann");
      await page.getByLabel("Proxy password").fill("test-password-1");
      await page.getByRole("button", { name: "Save network" }).click();
      await expect(page.getByRole("button", { name: "Save network" })).toBeDisabled();
      await expect(page.getByText("Remove the stored password")).toBeVisible();
      await picture(page, `settings-network-${colorScheme}`);
      await expectAccessible(page);
      expect(await host.call("network_get", {})).toEqual({ proxyHost: "proxy.example.org", proxyPort: 3128, proxyUser: "ann", caFile: null, proxyPasswordSet: true });
      expect(await page.content()).not.toContain("test-password-1");

      // A system on this computer is reached past the proxy, which nobody could.
      await connect(host, "crm", {}, { accessToken: "sandbox-service-key" });
      expect((await host.call("connector_test", { name: "crm" })).ok).toBe(true);
    });

    test("sandboxes are started and stopped, and the program says where it keeps things", async ({ host, page }) => {
      await open(page, host, "/settings");
      await page.getByRole("button", { name: "Start the Salesforce sandbox" }).click();
      const list = page.getByRole("list", { name: "Sandboxes" });
      const row = list.getByRole("listitem").filter({ hasText: "Salesforce" });
      await expect(row).toContainText("Running");
      await expect(row).toContainText(/http:\/\/127\.0\.0\.1:\d+/);
      await page.getByRole("button", { name: "About" }).click();
      await expect(page.getByText("Data folder")).toBeVisible();
      await picture(page, `settings-about-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Show the licences of others" }).click();
      const licences = page.getByRole("dialog", { name: "Licences of others" });
      await licences.getByRole("searchbox").fill("tauri 2");
      await licences.getByRole("button", { name: /^tauri 2/ }).click();
      await expect(licences.getByText("Apache License").first()).toBeVisible();
      await picture(page, `settings-licences-${colorScheme}`);
      await expectAccessible(page);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Stop the Salesforce sandbox" }).click();
      await expect(row).toContainText("Stopped");
    });
  });
}
