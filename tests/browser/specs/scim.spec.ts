import { freePort } from "../support/connector";
import { Host } from "../support/host";
import { expect, expectAccessible, open, picture, test } from "../support/test";

/** A second Concord that serves its people by SCIM. */
async function scimServer(): Promise<{ server: Host; endpoint: string; token: string }> {
  const server = await Host.start({ records: 1 });
  for (const [userName, givenName, sn] of [["ada", "Ada", "Byron"], ["grace", "Grace", "Hopper"], ["emmy", "Emmy", "Noether"]] as const) {
    await server.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName, givenName, sn, mail: `${userName}@example.org` } });
  }
  const { addresses } = await server.call("serving_set", { on: true, port: await freePort(), selfService: false });
  const { token } = await server.call("scim_token_make", { name: "other-concord", profile: "generic" });
  return { server, endpoint: addresses?.scim ?? "", token };
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("a SCIM server is connected step by step, and its people come in", async ({ host, page }) => {
      const { server, endpoint, token } = await scimServer();
      try {
        await open(page, host, "/connectors/new");
        await page.getByRole("button", { name: "Connect SCIM" }).click();
        await page.getByRole("textbox", { name: "Endpoint" }).fill(endpoint);
        await page.getByRole("button", { name: "Next: test" }).click();
        await expect(page.getByText("Paste the bearer token here.")).toBeVisible();
        await page.getByLabel("Token", { exact: true }).fill(token);

        // What has a few values is chosen from them, in words.
        await page.getByText("Advanced", { exact: true }).click();
        const changes = page.getByRole("combobox", { name: "Changes by" });
        await expect(changes).toHaveValue("AUTO");
        await expect(changes.getByRole("option")).toHaveText(["PATCH where the server has it, else PUT", "PATCH: sends what changed", "PUT: writes the record back whole"]);
        await changes.selectOption({ label: "PATCH: sends what changed" });
        await expect(page.getByRole("combobox", { name: "Deleting a user" })).toHaveValue("delete");
        await expect(page.getByRole("combobox", { name: "Media type" })).toHaveValue("application/scim+json");
        await changes.scrollIntoViewIfNeeded();
        await picture(page, `scim-keys-${colorScheme}`);
        await expectAccessible(page);

        await page.getByRole("button", { name: "Next: test" }).click();
        await expect(page.getByText("tested and switched on")).toBeVisible();
        await picture(page, `scim-tested-${colorScheme}`);
        await expectAccessible(page);
        const { config } = await host.call("connector_get", { name: "scim" });
        expect(config["configurationProperties"]).toMatchObject({ SCIMEndpoint: endpoint, updateMethod: "PATCH" });
        await page.getByRole("button", { name: "Next: object types" }).click();
        await expect(page.getByRole("row", { name: /^User \d+/ })).toBeVisible();
        await expectAccessible(page);
        await page.getByRole("button", { name: "Next: your data" }).click();
        await expect(page.getByRole("table", { name: "First records of User" })).toContainText("Hopper");
        await picture(page, `scim-data-${colorScheme}`);
        await expectAccessible(page);

        await page.getByRole("button", { name: "Next: a first mapping" }).click();
        await expect(page.getByText("Records with the same userName belong together.").first()).toBeVisible();
        await picture(page, `scim-mapping-${colorScheme}`);
        await expectAccessible(page);
        await page.getByRole("button", { name: /^Add \d mappings? and preview$/ }).click();
        await page.getByRole("button", { name: "Reconcile 3 changes" }).click();
        await expect.poll(async () => (await host.call("app_status", {})).users).toBe(3);
        expect(await page.content()).not.toContain(token);
      } finally {
        await page.goto("about:blank");
        await server.stop();
      }
    });
  });
}
