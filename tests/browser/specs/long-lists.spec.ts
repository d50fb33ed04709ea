import type { Page } from "@playwright/test";

import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

const PEOPLE = 3000;
/** The height of a row. */
const ROW = 32;
const LIST = "**/api/objects_glance";

/** Every place of a row in view: the text of its row, `...` for one that is on its way, or nothing at all. */
async function places(page: Page): Promise<string[]> {
  return page.getByRole("table", { name: "Users" }).evaluate((table, row) => {
    const frame = table.parentElement?.getBoundingClientRect();
    const head = table.querySelector("thead th")?.getBoundingClientRect();
    if (!frame || !head) return [];
    const found: string[] = [];
    for (let y = head.bottom + 16; y < frame.bottom - 4; y += row) {
      const there = document.elementFromPoint(frame.left + 200, y)?.closest("tr");
      found.push(there?.classList.contains("on-its-way") ? "..." : (there?.textContent ?? ""));
    }
    return found;
  }, ROW);
}

test.describe("thousands of people", () => {
  test.use({ hostOptions: { records: PEOPLE } });

  test("however fast somebody scrolls, no place is blank, and End goes to the last of them", async ({ host, page }) => {
    test.setTimeout(240_000);
    const { inbound } = await sample(host);
    await reconcile(host, inbound);
    const total = (await host.call("app_status", {})).users;
    expect(total).toBeGreaterThan(2000);

    // Pages after the first come when the test lets them.
    let release = () => {};
    let held = new Promise<void>((resolve) => (release = resolve));
    await page.route(LIST, async (route) => {
      if ((route.request().postDataJSON() as { after: string | null }).after !== null) await held;
      await route.continue();
    });
    await open(page, host, "/users");
    const table = page.getByRole("table", { name: "Users" });
    await expect(table.getByRole("rowheader").first()).toBeVisible();
    await expect(table).toHaveAttribute("aria-rowcount", String(total + 1));

    const frame = table.locator("..");
    const height = await frame.evaluate((node) => node.scrollHeight);
    expect(height, "the scroll bar is as long as the list").toBeGreaterThan(total * ROW);
    for (const part of [0.1, 0.55, 0.3, 1, 0.02, 0.8]) {
      const seen = await frame.evaluate((node, to) => {
        node.scrollTop = node.scrollHeight * to;
      }, part).then(() => places(page));
      expect(seen.length).toBeGreaterThan(10);
      expect(seen.filter((text) => text === ""), `at ${part}`).toEqual([]);
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await picture(page, `users-on-their-way-${colorScheme}`);
      await expectAccessible(page);
    }

    // Once they come, the places in view become people.
    release();
    await expect.poll(async () => (await places(page)).filter((text) => text === "..." || text === ""), { timeout: 60_000 }).toEqual([]);
    expect(await frame.evaluate((node) => node.scrollHeight), "nothing jumps").toBe(height);

    // From the top, by one key, to the last of them.
    held = Promise.resolve();
    await frame.evaluate((node) => {
      node.scrollTop = 0;
    });
    await table.getByRole("rowheader").first().getByRole("button").focus();
    await page.keyboard.press("End");
    const last = table.locator(`tr[aria-rowindex="${total + 1}"]`).getByRole("button");
    await expect(last).toBeFocused({ timeout: 60_000 });
    await expect(last).toBeInViewport();
    await page.keyboard.press("Home");
    await expect(table.locator('tr[aria-rowindex="2"]').getByRole("button")).toBeFocused();
  });
});
