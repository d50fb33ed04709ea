import type { BrowserContext, Page } from "@playwright/test";

import { connectByOAuth } from "../support/connector";
import type { Host } from "../support/host";
import { expect, open, picture, test } from "../support/test";

/** Presses Authorize, and visits the provider's page in another tab as the system's browser would. */
async function consent(host: Host, page: Page, context: BrowserContext): Promise<Page> {
  await open(page, host, "/connectors/crm");
  await expect(page.getByText("Not authorized yet")).toBeVisible();
  await page.getByRole("radio", { name: "In my browser" }).check();
  const opened = host.opened();
  await page.getByRole("button", { name: "Authorize" }).click();
  await expect(page.getByText("Waiting for HubSpot.")).toBeVisible();
  const browser = await context.newPage();
  await browser.goto(await opened);
  return browser;
}

test("consent in the browser authorizes the connector", async ({ host, page, context }) => {
  await connectByOAuth(host, "crm");
  const browser = await consent(host, page, context);
  await picture(browser, "consent");
  await browser.getByRole("button", { name: "Allow" }).click();
  await expect(browser.getByText("You can close this window")).toBeVisible();
  await expect(page.getByText("Authorized", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: /^Connected/ })).toBeVisible();
  await picture(page, "authorized");

  // The token is renewed behind the screen when it has expired.
  await host.expireTokens();
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: /^Connected/ })).toBeVisible();
});

test("the consent page is asked with PKCE and a state, and gets no secret", async ({ host, page, context }) => {
  await connectByOAuth(host, "crm");
  const browser = await consent(host, page, context);
  const asked = new URL(browser.url()).searchParams;
  expect(asked.get("code_challenge_method")).toBe("S256");
  expect(asked.get("code_challenge")).toMatch(/^[\w-]{43}$/);
  expect(asked.get("state")?.length).toBeGreaterThanOrEqual(32);
  expect(asked.get("redirect_uri")).toMatch(/^http:\/\/localhost:\d+\/oauth\/callback$/);
  expect(browser.url()).not.toContain("sandbox-secret");
});

test("a refusal is told, and nothing is authorized", async ({ host, page, context }) => {
  await connectByOAuth(host, "crm");
  const browser = await consent(host, page, context);
  await browser.getByRole("button", { name: "Deny" }).click();
  await expect(browser.getByText("The authorization was refused.")).toBeVisible();
  await expect(page.getByText("Waiting for HubSpot.")).toHaveCount(0);
  await expect(page.getByText("Not authorized yet")).toBeVisible();
  await expect(page.getByText(/refused|denied/i).first()).toBeVisible();
});

test("an answer with another state is turned away", async ({ host, page, context }) => {
  await connectByOAuth(host, "crm");
  const browser = await consent(host, page, context);
  const redirect = new URL(String(new URL(browser.url()).searchParams.get("redirect_uri")));
  redirect.search = new URLSearchParams({ code: "forged", state: "forged" }).toString();
  await browser.goto(redirect.href);
  await expect(browser.getByText("This answer does not fit.")).toBeVisible();
  await expect(page.getByText("Not authorized yet")).toBeVisible();
});

test("waiting can be given up", async ({ host, page, context }) => {
  await connectByOAuth(host, "crm");
  await consent(host, page, context);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Waiting for HubSpot.")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Authorize" })).toBeEnabled();
});
