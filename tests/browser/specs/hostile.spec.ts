import { expect, open, picture, reconcile, sample, test } from "../support/test";

const FIRST = `<img src=x onerror="window.hit=1">`;
const LAST = `</td></table><script>window.hit=1</script>{{7*7}}`;
const COMPANY = `"><svg onload=window.hit=1>`;
/** Turns the direction of what follows, where it is not isolated. */
const CITY = "\u202Egnp.exe";
const LONG = "W".repeat(5000);

test.use({ hostOptions: { records: 5 } });

test("what a CRM holds is shown as text, on every screen that it reaches", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await host.createContact({ email: "hostile@example.org", firstname: FIRST, lastname: LAST, company: COMPANY, city: CITY });
  await host.createContact({ email: "long@example.org", firstname: "Long", lastname: LONG });

  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  const records = page.getByRole("table", { name: "Records" });
  await records.getByRole("rowheader").filter({ hasText: FIRST }).click();
  await expect(page.getByRole("table", { name: "Before and after" })).toContainText(LAST);
  await picture(page, "hostile-preview");
  const plan = await host.call("runs_list", { mapping: inbound, after: null, limit: 1 });
  await host.call("run_apply", { id: String(plan.runs[0]?.id), allowDeletes: null });
  await expect.poll(async () => (await host.call("app_status", {})).users).toBeGreaterThanOrEqual(2);

  await open(page, host, "/users?q=hostile");
  await expect(page.getByRole("table", { name: "Users" })).toContainText(LAST);
  await page.getByRole("table", { name: "Users" }).getByRole("rowheader").first().click();
  await expect(page.getByRole("textbox", { name: "First Name" })).toHaveValue(FIRST);
  await expect(page.getByRole("table", { name: /as last seen$/ })).toContainText(COMPANY);
  // The turned text is isolated from what stands beside it.
  await expect(page.getByRole("table", { name: /as last seen$/ }).locator("bdi", { hasText: "gnp.exe" })).toHaveText(CITY);
  await picture(page, "hostile-user");

  // A long text widens nothing.
  await open(page, host, "/users?q=long");
  await expect(page.getByRole("table", { name: "Users" })).toContainText("WWWW");
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);

  expect(await page.evaluate(() => "hit" in window)).toBe(false);
  await expect(page.locator("main img, main script")).toHaveCount(0);
});

test("a hostile name of a connector stays a name", async ({ host, page }) => {
  const { connector } = await sample(host);
  const { config } = await host.call("connector_get", { name: connector });
  await host.call("connector_save", { create: false, config: { ...config, displayName: FIRST }, secrets: {} });
  for (const place of ["/", "/connectors", `/connectors/${connector}`, "/mappings"]) {
    await open(page, host, place);
    expect(await page.evaluate(() => "hit" in window)).toBe(false);
    await expect(page.locator("main img")).toHaveCount(0);
  }
  await reconcile(host, "systemHubspotContact_managedUser");
  await open(page, host, "/connectors");
  await expect(page.getByRole("link", { name: FIRST })).toBeVisible();
});
