import { connect, connectByOAuth } from "../support/connector";
import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

/** Without the property that writes it, nobody has the last name that every user needs. */
async function withoutLastName(host: Parameters<typeof sample>[0], mapping: string): Promise<void> {
  const { config } = await host.call("mapping_get", { name: mapping });
  const properties = (config["properties"] as { target: string }[]).map((property) => (property.target === "sn" ? { target: "sn", source: "website" } : property));
  await host.call("mapping_save", { create: false, config: { ...config, properties } });
}

test("a policy that refuses records leads to the property that writes it, and to the policy", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await withoutLastName(host, inbound);
  await reconcile(host, inbound);
  await open(page, host);
  const cause = page.getByRole("list", { name: "Errors by cause" }).getByRole("listitem").first();
  await expect(cause).toContainText("Correct sn in the source record, or give it a default in the mapping.");
  await cause.getByRole("button", { name: /^Edit property/ }).click();
  await expect(page.getByRole("tab", { name: "Properties" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("complementary", { name: "Property sn" })).toBeVisible();

  await open(page, host);
  await cause.getByRole("button", { name: /^Open policy/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: "User" })).toBeVisible();
  await expect(page.getByRole("complementary", { name: "Property sn" })).toBeVisible();

  // In the run itself, at its cause and at each record.
  await open(page, host, `/mappings/${inbound}?tab=runs`);
  await page.getByRole("table", { name: "Runs" }).getByRole("rowheader").first().getByRole("button").click();
  const causes = page.getByRole("region", { name: "Failures by cause" });
  await expect(causes.getByRole("button", { name: /^Open policy/ })).toBeVisible();
  await causes.getByRole("button", { name: /^Show the records/ }).click();
  await page.getByRole("table", { name: "Records" }).getByRole("rowheader").first().getByRole("button").click();
  const record = page.getByRole("complementary", { name: /^Details of/ });
  await expect(record).toContainText("Correct sn in the source record");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `remedies-run-${colorScheme}`);
    await expectAccessible(page);
  }
  await record.getByRole("button", { name: /^Edit property/ }).click();
  await expect(page.getByRole("complementary", { name: "Property sn" })).toBeVisible();
});

test("a situation that waits for a policy leads to that policy", async ({ host, page }) => {
  const { inbound, outbound } = await sample(host);
  await host.call("mapping_remove", { name: outbound });
  await reconcile(host, inbound);
  // A user without a contact, and a mapping that asks about such users.
  await host.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName: "alone", givenName: "All", sn: "Alone", mail: "alone@example.org" } });
  const { config } = await host.call("mapping_get", { name: inbound });
  await host.call("mapping_save", { create: false, config: { ...config, policies: [{ situation: "UNASSIGNED", action: "EXCEPTION" }] } });
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  const records = page.getByRole("table", { name: "Records" });
  await records.getByRole("row").filter({ hasText: "UNASSIGNED" }).getByRole("rowheader").getByRole("button").click();
  await page.getByRole("complementary", { name: /^Details of/ }).getByRole("button", { name: /^Edit policy/ }).click();
  await expect(page.getByRole("tab", { name: "Behaviors" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("complementary", { name: /UNASSIGNED/ })).toBeVisible();
});

test("a key that is refused is entered again from where the error stands", async ({ host, page }) => {
  await connect(host, "wrong", {}, { accessToken: "not-the-key" });
  expect((await host.call("connector_test", { name: "wrong" })).trouble).toBe("authorize");
  await open(page, host);
  const needs = page.getByRole("listitem").filter({ hasText: "wrong" }).first();
  await expect(needs.getByRole("button", { name: "Enter the key of wrong again" })).toBeVisible();
  await picture(page, "remedies-dashboard");
  await expectAccessible(page);
  await needs.getByRole("button", { name: "Enter the key of wrong again" }).click();
  await expect(page.getByRole("button", { name: "Replace Access token" })).toBeFocused();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `remedies-connector-${colorScheme}`);
    await expectAccessible(page);
  }
});

test("an authorization that was taken back is given again from the run that it stopped", async ({ host, page }) => {
  await connectByOAuth(host, "oauth");
  await host.call("connector_enable", { name: "oauth", enabled: true });
  const config = { name: "systemOauthContact_managedUser", source: "system/oauth/contact", target: "managed/user", properties: [{ source: "email", target: "mail" }], policies: [] };
  await host.call("mapping_save", { create: true, config });
  await open(page, host, `/mappings/${config.name}`);
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await expect(page.getByText("Failed", { exact: true })).toBeVisible();
  const alert = page.getByRole("alert");
  await expect(alert.getByRole("button", { name: "Preview again" })).toBeVisible();
  await alert.getByRole("button", { name: "Authorize oauth again" }).click();
  await expect(page.getByRole("button", { name: "Authorize", exact: true })).toBeFocused();
});

test("a key that is revoked stands at its connector and in the list of mappings, without a test", async ({ host, page }) => {
  const { connector, inbound } = await sample(host);
  const { config } = await host.call("connector_get", { name: connector });
  await host.call("connector_save", { create: false, config, secrets: { accessToken: "revoked-meanwhile" } });
  const { id } = await host.call("run_start", { mapping: inbound, mode: "preview", ids: [], allowDeletes: null, incremental: false });
  await expect.poll(async () => (await host.call("run_get", { id })).summary.state, { timeout: 30_000 }).toBe("failed");
  await open(page, host, "/connectors");
  const row = page.getByRole("listitem").filter({ hasText: connector });
  await expect(row.getByRole("alert")).toContainText(/Its last use was refused\. .*does not accept the token/);
  await expect(row.getByRole("button", { name: `Enter the key of ${connector} again` })).toBeVisible();
  await expect(row.getByText(/^refused /)).toBeVisible();
  await expectAccessible(page);
  await open(page, host, "/mappings");
  await expect(page.getByRole("listitem").filter({ hasText: inbound })).toContainText(/refused its last use: .*does not accept the token/);
  await expectAccessible(page);
  await open(page, host, `/connectors/${connector}`);
  await expect(page.getByText(/Its last use was refused/)).toBeVisible();

  await host.call("connector_save", { create: false, config, secrets: { accessToken: "sandbox-service-key" } });
  await reconcile(host, inbound);
  await open(page, host, "/connectors");
  await expect(row.getByText("Active")).toBeVisible();
});

test("a system that cannot be reached is tested again where its error stands", async ({ host, page }) => {
  const { connector } = await sample(host);
  await host.faults([{ path: "*", times: "always", action: { answer: { status: 503 } } }]);
  await host.call("connector_test", { name: connector });
  await host.faults([]);
  await open(page, host);
  const needs = page.getByRole("listitem").filter({ hasText: "HubSpot" }).filter({ has: page.getByRole("button", { name: `Test ${connector} again` }) });
  await expect(needs.getByRole("button", { name: "Network settings" })).toBeVisible();
  await needs.getByRole("button", { name: `Test ${connector} again` }).click();
  await expect(needs).toHaveCount(0);
});

test("a held run that no allowance releases leads to the guards", async ({ host, page }) => {
  const { inbound } = await sample(host);
  const { config } = await host.call("mapping_get", { name: inbound });
  await host.call("mapping_save", { create: false, config: { ...config, guards: { maxCreates: 3 } } });
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Reconcile", exact: true }).click();
  await expect(page.getByText("Held", { exact: true })).toBeVisible();
  await expect(page.getByRole("alert")).toContainText(/Creates: \d+, up to 3 allowed/);
  await page.getByRole("alert").getByRole("button", { name: "Change the guards" }).click();
  await expect(page.getByRole("tab", { name: "Advanced" })).toHaveAttribute("aria-selected", "true");
});
