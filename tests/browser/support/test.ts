import { fileURLToPath } from "node:url";

import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, expect, type Page, test as base } from "@playwright/test";

import { Host, type HostOptions } from "./host";

export { expect };

interface Fixtures {
  hostOptions: HostOptions;
  /** A host of its own for this test. */
  host: Host;
  /** The page has said nothing to the console that a person would have to look into. */
  quiet: void;
}

export const test = base.extend<Fixtures>({
  hostOptions: [{}, { option: true }],
  host: async ({ hostOptions, context }, use) => {
    const host = await Host.start(hostOptions);
    await use(host);
    await leave(context);
    await host.stop();
  },
  quiet: [
    async ({ page }, use) => {
      const said: string[] = [];
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("console", (message) => {
        // A refused command answers with a status that the browser reports on its own.
        if (message.type() === "error" && !message.text().includes("status of 422")) said.push(message.text());
      });
      await use();
      expect(said, "nothing went wrong behind the screen").toEqual([]);
    },
    { auto: true },
  ],
});

/** Leaves the host's pages, which would miss it when it ends. */
export async function leave(context: BrowserContext): Promise<void> {
  await Promise.all(context.pages().map((page) => page.goto("about:blank")));
}

/** Opens a screen by its place after the `#`, and waits until it is there. */
export async function open(page: Page, host: Host, place = "/"): Promise<void> {
  await page.goto(`${host.url}/#${place}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

/** The sample data set up through the UI's own command. */
export async function sample(host: Host): Promise<{ connector: string; inbound: string; outbound: string }> {
  const { connector, mappings } = await host.call("sample_setup", {});
  const list = await host.call("mappings_list", {});
  const inbound = list.find((mapping) => mappings.includes(mapping.name) && mapping.target === "managed/user");
  const outbound = list.find((mapping) => mappings.includes(mapping.name) && mapping.source === "managed/user");
  if (!inbound || !outbound) throw new Error(`The sample has no mapping in each direction: ${mappings.join(", ")}`);
  return { connector, inbound: inbound.name, outbound: outbound.name };
}

/** Runs a mapping to its end without the screen. */
export async function reconcile(host: Host, mapping: string): Promise<void> {
  const { id } = await host.call("run_start", { mapping, mode: "reconcile", ids: [], allowDeletes: null, incremental: false });
  await expect.poll(async () => (await host.call("run_get", { id })).summary.state, { timeout: 30_000 }).toBe("success");
}

/** Keeps a picture of the screen for people to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: fileURLToPath(new URL(`../../pictures/browser-${name}.png`, import.meta.url)) });
}

/** Fails with every rule of accessibility that the screen breaks, and where. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const broken = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n    ${node.failureSummary}`).join("\n")}`);
  expect(broken).toEqual([]);
}
