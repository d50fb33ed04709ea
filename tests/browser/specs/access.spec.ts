import type { Host } from "../support/host";
import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

/** Every screen, by its name for the picture and its place. */
async function screens(host: Host): Promise<[string, string][]> {
  const { connector, inbound, outbound } = await sample(host);
  await reconcile(host, inbound);
  const { id: preview } = await host.call("run_start", { mapping: outbound, mode: "preview", ids: [], allowDeletes: null, incremental: false });
  await expect.poll(async () => (await host.call("run_get", { id: preview })).summary.state, { timeout: 30_000 }).toBe("planned");
  const { users } = await host.call("users_list", { search: null, filter: null, sort: null, after: null, limit: 1 });
  return [
    ["dashboard", "/"],
    ["connectors", "/connectors"],
    ["connector", `/connectors/${connector}`],
    ["connector-types", `/connectors/${connector}?tab=types`],
    ["connector-data", `/connectors/${connector}?tab=data`],
    ["connector-advanced", `/connectors/${connector}?tab=advanced`],
    ["connector-new", "/connectors/new"],
    ["connector-new-hubspot", "/connectors/new?system=hubspot"],
    ["connector-new-salesforce", "/connectors/new?system=salesforce"],
    ["mappings", "/mappings"],
    ["mapping", `/mappings/${inbound}`],
    ["mapping-runs", `/mappings/${inbound}?tab=runs`],
    ["mapping-scheduling", `/mappings/${inbound}?tab=scheduling`],
    ["mapping-json", `/mappings/${inbound}?tab=json`],
    ["preview", `/mappings/${outbound}?tab=run&run=${preview}`],
    ["users", "/users"],
    ["user", `/users/${users[0]?.id}`],
    ["user-new", "/users/new"],
    ["runs", "/runs"],
    ["run", `/runs/${preview}`],
    ["schedules", "/schedules"],
    ["types", "/types"],
    ["type", "/types/user"],
    ["type-new", "/types/new"],
    ["inbox", "/inbox"],
    ["queue", "/queue"],
    ["audit", "/audit"],
    ["settings", "/settings"],
  ];
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("every screen is accessible", async ({ host, page }) => {
      test.setTimeout(180_000);
      for (const [name, place] of await screens(host)) {
        await test.step(name, async () => {
          await open(page, host, place);
          // Whatever the screen asks for has arrived: no grey lines in its place.
          await expect(page.locator(".animate-pulse-soft")).toHaveCount(0);
          await picture(page, `${name}-${colorScheme}`);
          await expectAccessible(page);
        });
      }
    });

    test("the first start is accessible", async ({ host, page }) => {
      await open(page, host);
      await expect(page.getByRole("button", { name: "Try it with sample data" })).toBeVisible();
      await picture(page, `first-start-${colorScheme}`);
      await expectAccessible(page);
    });

    test("the command palette is accessible", async ({ host, page }) => {
      await open(page, host);
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("combobox", { name: "Command" })).toBeFocused();
      await picture(page, `palette-${colorScheme}`);
      await expectAccessible(page);
    });
  });
}

test.describe("without a keyring and without a passphrase", () => {
  test.use({ hostOptions: { passphrase: null } });

  test("the vault's page is accessible", async ({ host, page }) => {
    await open(page, host);
    await picture(page, "vault");
    await expectAccessible(page);
  });
});

test("the check of accessibility finds what is wrong", async ({ host, page }) => {
  await open(page, host);
  await page.evaluate(() => {
    const heading = document.querySelector("h1");
    heading?.after(document.createElement("button"));
    for (const part of heading?.querySelectorAll<HTMLElement>("*") ?? []) part.style.color = "rgb(250, 250, 250)";
  });
  await expect(expectAccessible(page)).rejects.toThrow(/button-name: [^]*color-contrast: /);
});
