import type { Host } from "../support/host";
import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

const KEY = "sandbox-service-key";

/** Does something to the account's properties as HubSpot's own API would be asked to. */
async function atHubspot(host: Host, method: string, path: string, body?: unknown): Promise<void> {
  const answer = await fetch(`${host.sandbox}/crm/properties/2026-03/contacts${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
}

const COLOUR = { name: "favourite_colour", label: "Favourite colour", type: "string", fieldType: "text", groupName: "contactinformation" };

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("what changed at the system is told with the mappings that it touches, until somebody has seen it", async ({ host, page }) => {
      const { connector, outbound } = await sample(host);
      await atHubspot(host, "POST", "", COLOUR);
      await host.call("connector_schema", { name: connector, objectType: "contact" });
      await host.call("connector_drift_seen", { name: connector, objectType: "contact" });
      const { config } = await host.call("mapping_get", { name: outbound });
      const properties = config["properties"] as Record<string, unknown>[];
      await host.call("mapping_save", { create: false, config: { ...config, properties: [...properties, { source: "city", target: "favourite_colour" }] } });
      await atHubspot(host, "DELETE", "/favourite_colour");

      await open(page, host, `/connectors/${connector}?tab=types`);
      const changes = page.getByRole("region", { name: "Changes of contact" });
      await expect(changes).toContainText("favourite_colour is gone");
      await expect(changes.getByRole("link", { name: outbound })).toBeVisible();
      await expect(changes).toContainText("take the property out");
      await picture(page, `connector-drift-${colorScheme}`);
      await expectAccessible(page);

      await changes.getByRole("link", { name: outbound }).click();
      const notice = page.getByText(/favourite_colour is gone at/);
      await expect(notice).toBeVisible();
      await picture(page, `mapping-drift-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("link", { name: "See what changed" }).click();
      await page.getByRole("button", { name: "Mark as seen" }).click();
      await expect(changes).toHaveCount(0);
      await open(page, host, `/mappings/${outbound}`);
      await expect(page.getByRole("tab", { name: "Properties" })).toBeVisible();
      await expect(notice).toHaveCount(0);
    });

    test("live records are searched, paged and shown by the columns that somebody picks", async ({ host, page }) => {
      const { connector } = await sample(host);
      await open(page, host, `/connectors/${connector}?tab=data`);
      const table = page.getByRole("table", { name: "Records of contact" });
      await expect(table.getByRole("row").nth(1)).toBeVisible();
      await expect(page.getByRole("status").filter({ hasText: "40 records" })).toBeVisible();
      await page.getByRole("button", { name: "Columns" }).click();
      await page.getByRole("searchbox", { name: "Search columns" }).fill("job");
      await page.getByRole("checkbox", { name: "Job Title" }).check();
      await page.keyboard.press("Escape");
      await expect(table.getByRole("columnheader", { name: "Job Title" })).toBeVisible();
      const email = await table.getByRole("row").nth(3).getByRole("cell").nth(2).textContent();
      await page.getByRole("searchbox", { name: "Search contact" }).fill(String(email));
      await expect(table.getByRole("row")).toHaveCount(2);
      await table.getByRole("row").nth(1).getByRole("button").click();
      await expect(page.getByRole("complementary")).toContainText(String(email));
      await picture(page, `connector-record-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("searchbox", { name: "Search contact" }).fill("nobody-is-called-this");
      await expect(page.getByText("No contact has a value that begins with these words.")).toBeVisible();
    });

    test("removing says first what goes with it", async ({ host, page }) => {
      const { connector, inbound } = await sample(host);
      await reconcile(host, inbound);
      await open(page, host, `/connectors/${connector}`);
      await page.getByRole("button", { name: "Remove" }).click();
      const question = page.getByRole("dialog");
      await expect(question.getByRole("row", { name: new RegExp(`^${inbound} \\d+ 0`) })).toBeVisible();
      await expect(question).toContainText("1 stored key");
      await expect(question).toContainText("copies of 40 records");
      await picture(page, `connector-remove-${colorScheme}`);
      await expectAccessible(page);
      await question.getByRole("button", { name: "Remove 1 connector and 2 mappings" }).click();
      await expect(page.getByText("No system is connected yet.")).toBeVisible();
      expect(await host.call("mappings_list", {})).toEqual([]);
    });
  });
}

test("a setting under Advanced is saved with the rest, and the budget is told", async ({ host, page }) => {
  const { connector } = await sample(host);
  await open(page, host, `/connectors/${connector}?tab=advanced`);
  await page.getByRole("textbox", { name: "Calls per second" }).fill("7");
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByText("unsaved: 1 change")).toBeVisible();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("all saved")).toBeVisible();
  const { config } = await host.call("connector_get", { name: connector });
  expect(config["configurationProperties"]).toMatchObject({ permitsPerSecond: 7 });
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: /^Connected/ })).toBeVisible();
  await expect(page.getByText(/calls? since Concord was started|at its last answer|calls today/).first()).toBeVisible();
});

test("a connector is switched off and on from its page", async ({ host, page }) => {
  const { connector } = await sample(host);
  await open(page, host, `/connectors/${connector}`);
  await page.getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText("Disabled", { exact: true })).toBeVisible();
  expect((await host.call("connector_get", { name: connector })).summary.enabled).toBe(false);
  await page.getByRole("button", { name: "Enable" }).click();
  await expect(page.getByText("Active", { exact: true })).toBeVisible();
});
