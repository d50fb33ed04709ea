import type { Page } from "@playwright/test";

import { freePort } from "../support/connector";
import { expect, expectAccessible, open, picture, sample, test } from "../support/test";

async function shown(page: Page, title: string, name: string): Promise<void> {
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  await expectAccessible(page);
  await picture(page, name);
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("an administrator switches the pages on, and a person makes an account that goes to HubSpot", async ({ host, page }) => {
      const { outbound } = await sample(host);
      await open(page, host, "/settings");
      const port = String(await freePort());
      await page.getByLabel("Port", { exact: true }).fill(port);
      await page.getByText("People may create accounts").click();
      await page.getByText("Serve", { exact: true }).click();
      await expect(page.getByText(`http://127.0.0.1:${port}/scim/v2`)).toBeVisible();
      await expect(page.getByText("shown this once")).toBeVisible();
      await expectAccessible(page);
      // Nothing but the screen's own part scrolls.
      expect(await page.evaluate(() => document.scrollingElement?.scrollTop)).toBe(0);
      const pages = await page.getByText(`http://127.0.0.1:${port}/people`, { exact: true }).innerText();

      await page.goto(pages);
      await shown(page, "Sign in", `people-sign-in-${colorScheme}`);
      await page.getByRole("link", { name: "Create an account" }).click();
      await shown(page, "Create an account", `people-register-${colorScheme}`);
      await page.getByLabel("Username").fill("robin");
      await page.getByLabel("First Name").fill("Robin");
      await page.getByLabel("Last Name").fill("Berger");
      await page.getByLabel("Email Address").fill("robin@example.org");
      await page.getByLabel("Password", { exact: true }).fill("short");
      await page.getByLabel("Password again").fill("short");
      await page.getByLabel("I agree to the privacy policy").check();
      await page.getByRole("button", { name: "Create account" }).click();
      await shown(page, "Create an account", `people-refused-${colorScheme}`);
      await expect(page.getByRole("alert")).toBeVisible();
      await expect(page.getByLabel("First Name")).toHaveValue("Robin");
      await page.getByLabel("Password", { exact: true }).fill("Correct Horse 7");
      await page.getByLabel("Password again").fill("Correct Horse 7");
      await page.getByLabel("I agree to the privacy policy").check();
      await page.getByRole("button", { name: "Create account" }).click();
      await shown(page, "Sign in to your account", `people-registered-${colorScheme}`);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByLabel("User name").fill("robin");
      await page.getByLabel("Password").fill("Correct Horse 7");
      await page.getByRole("button", { name: "Sign in" }).click();
      await shown(page, "Your profile", `people-profile-${colorScheme}`);

      await page.getByLabel("City").fill("Bern");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("status")).toHaveText("Your profile was saved.");
      await expect
        .poll(async () => (await host.contacts()).find(({ properties }) => properties["email"] === "robin@example.org")?.properties["city"], { message: outbound })
        .toBe("Bern");
      await page.getByRole("link", { name: "Change your password" }).click();
      await shown(page, "Change your password", `people-password-${colorScheme}`);
      await page.getByRole("link", { name: "Back to your profile" }).click();
      await page.getByRole("button", { name: "Sign out" }).click();
      await expect(page.getByRole("status")).toHaveText("You have signed out.");
      await page.goBack();
      await page.reload();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
    });
  });
}
