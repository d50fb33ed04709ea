import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Host } from "../support/host";
import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

/** Every screen, by its name for the picture and its place. */
async function screens(host: Host): Promise<[string, string][]> {
  const { connector, inbound, outbound } = await sample(host);
  await reconcile(host, inbound);
  const { id: preview } = await host.call("run_start", { mapping: outbound, mode: "preview", ids: [], allowDeletes: null, incremental: false });
  await expect.poll(async () => (await host.call("run_get", { id: preview })).summary.state, { timeout: 30_000 }).toBe("planned");
  const { users } = await host.call("users_list", { search: null, filter: null, sort: null, after: null, limit: 1 });
  const organization = { name: "organization", schema: { title: "Organization", type: "object", order: ["name"], required: ["name"], properties: { name: { type: "string", title: "Name", searchable: true } } } };
  if (!(await host.call("managed_types", {})).some(({ name }) => name === "organization")) await host.call("managed_type_save", { config: organization, create: true, rev: null, confirmed: true });
  const { object } = await host.call("object_save", { kind: "organization", id: null, rev: null, attributes: { name: "Acme" } });
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
    ["connector-new-scim", "/connectors/new?system=scim"],
    ["mappings", "/mappings"],
    ["mapping-new", "/mappings/new"],
    ["mapping", `/mappings/${inbound}`],
    ["mapping-runs", `/mappings/${inbound}?tab=runs`],
    ["mapping-scheduling", `/mappings/${inbound}?tab=scheduling`],
    ["mapping-json", `/mappings/${inbound}?tab=json`],
    ["preview", `/mappings/${outbound}?tab=run&run=${preview}`],
    ["users", "/users"],
    ["user", `/users/${users[0]?.id}`],
    ["user-new", "/users/new"],
    ["objects", "/objects/organization"],
    ["object-new", "/objects/organization/new"],
    ["object", `/objects/organization/${object.id}`],
    ["runs", "/runs"],
    ["run", `/runs/${preview}`],
    ["schedules", "/schedules"],
    ["types", "/types"],
    ["type", "/types/user"],
    ["type-new", "/types/new"],
    ["inbox", "/inbox"],
    ["queue", "/queue"],
    ["audit", "/audit"],
    ["guide", "/guide"],
    ["guide-page", "/guide/safety"],
    ["settings", "/settings"],
  ];
}

/** The routes of the window at which none of these places ends up. */
function unvisited(places: string[]): string[] {
  const source = readFileSync(fileURLToPath(new URL("../../../ui/src/app/router.tsx", import.meta.url)), "utf8");
  const routes = [...source.matchAll(/\bpath: "([^"]+)"/g)].map(([, path]) => path ?? "");
  expect(routes.length).toBeGreaterThan(20);
  const paths = places.map((place) => place.split("?")[0] ?? "");
  // A place that a route spells out belongs to that one, and not to one with a name in it.
  const spelled = new Set(routes.filter((route) => !route.includes("$")));
  return routes.filter((route) => {
    const pattern = new RegExp(`^${route.replaceAll(/\$\w+/g, "[^/]+")}$`);
    return !paths.some((path) => (spelled.has(path) ? path === route : pattern.test(path)));
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("every screen is accessible", async ({ host, page }) => {
      test.setTimeout(180_000);
      const all = await screens(host);
      expect(unvisited(all.map(([, place]) => place)), "every route of the window is looked at here").toEqual([]);
      for (const [name, place] of all) {
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
