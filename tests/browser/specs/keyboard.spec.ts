import type { Locator, Page } from "@playwright/test";

import { expect, open, reconcile, sample, test } from "../support/test";

test("every place is reached by the keyboard alone", async ({ host, page }) => {
  await sample(host);
  await open(page, host);
  for (const place of ["Connectors", "Mappings", "User", "Runs", "Schedules", "Queue", "Settings", "Dashboard"]) {
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("combobox", { name: "Command" })).toBeFocused();
    await page.keyboard.type(`go to ${place}`);
    await expect(page.getByRole("listbox", { name: "Commands" }).getByRole("option")).toHaveText([`Go to ${place}`]);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: place })).toBeVisible();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
});

test("Escape closes the palette and gives the focus back", async ({ host, page }) => {
  await open(page, host, "/queue");
  const link = page.getByRole("link", { name: "Settings" });
  await link.focus();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  // The long list beneath it leaves the field its height.
  const field = await page.getByRole("combobox", { name: "Command" }).boundingBox();
  expect(field?.height).toBeGreaterThanOrEqual(28);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(link).toBeFocused();
});

test("Tab walks through the sidebar in its order, and Enter follows", async ({ host, page }) => {
  await open(page, host);
  const places = page.getByRole("navigation", { name: "Main" }).getByRole("link");
  await places.first().focus();
  for (const [index, place] of (await places.all()).entries()) {
    await expect(place).toBeFocused();
    if (index + 1 < (await places.count())) await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
});

test("a user is found, opened, changed and saved without a pointer", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await open(page, host, "/users");
  const users = page.getByRole("table", { name: "Users" });
  await expect(users).toBeVisible();

  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search users" })).toBeFocused();
  const last = (await host.call("users_list", { search: null, filter: null, sort: "-mail", after: null, limit: 1 })).users[0];
  const mail = String(last?.attributes["mail"]);
  await page.keyboard.type(mail);
  await expect(page.getByRole("status").filter({ hasText: "found" })).toHaveText("1 user found");

  // Into the table, and down it: the focus moves from row to row.
  await users.getByRole("rowheader").first().getByRole("button").focus();
  await page.keyboard.press("Enter");
  const surname = page.getByRole("textbox", { name: "Last Name" });
  await surname.focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("Keyboard");
  await expect(page.getByText("unsaved: 1 change")).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByText("all saved")).toBeVisible();
  const saved = await host.call("user_get", { id: String(last?.id) });
  expect(saved.user.attributes["sn"]).toBe("Keyboard");
});

test("arrows move through a table of users", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await open(page, host, "/users");
  const row = (index: number) => page.getByRole("table", { name: "Users" }).getByRole("rowheader").nth(index).getByRole("button");
  await row(0).focus();
  await page.keyboard.press("ArrowDown");
  await expect(row(1)).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await expect(row(1)).toBeFocused();
  await page.keyboard.press("End");
  await expect(row(1)).not.toBeFocused();
  await page.keyboard.press("Home");
  await expect(row(0)).toBeFocused();
});

/** Presses Tab until this part has the focus; a keyboard that never gets there is a fault. */
async function tabTo(page: Page, part: Locator, most = 60): Promise<void> {
  await expect(part).toBeVisible();
  // A list of choices that opens on the way hides everything else from roles for a moment, and not from the keyboard.
  const element = await part.elementHandle();
  for (let step = 0; step < most; step++) {
    if (await element?.evaluate((wanted) => wanted === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never came to ${String(part)}.`);
}

test("a mapping is made, its properties edited and its plan looked at without a pointer", async ({ host, page }) => {
  await sample(host);
  await open(page, host, "/mappings/new");
  await tabTo(page, page.getByRole("combobox", { name: "Source" }));
  await page.keyboard.type("HubSpot (sandbox) company");
  await tabTo(page, page.getByRole("combobox", { name: "Target" }));
  await page.keyboard.type("User");
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("systemHubspotCompany_managedUser");
  await tabTo(page, page.getByRole("button", { name: "Save", exact: true }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "systemHubspotCompany_managedUser" })).toBeVisible();

  // A property: where it comes from, where it goes, a default, its place.
  await expect(page.getByRole("table", { name: "Properties" }).getByRole("button", { name: /^Edit / }).first()).toBeVisible();
  const before = await page.getByRole("table", { name: "Properties" }).getByRole("button", { name: /^Edit / }).count();
  await tabTo(page, page.getByRole("button", { name: "Add property" }).first());
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: /^Property/ });
  await expect(panel.getByRole("combobox", { name: "Source", exact: true })).toBeFocused();
  await page.keyboard.type("pho");
  await expect(page.getByRole("listbox")).toBeVisible();
  // The key closes the choices and leaves the panel open.
  await page.keyboard.press("Escape");
  await expect(page.getByRole("listbox")).toHaveCount(0);
  await page.keyboard.type("ne");
  await page.keyboard.press("Tab");
  await tabTo(page, panel.getByRole("combobox", { name: "Target", exact: true }));
  await page.keyboard.type("mobilePhone");
  await page.keyboard.press("Tab");
  await tabTo(page, panel.getByRole("textbox", { name: "Default" }));
  await page.keyboard.type("+1");
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
  const handle = page.getByRole("button", { name: /^Move mobilePhone,/ });
  await handle.focus();
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("button", { name: `Move mobilePhone, number ${before} of ${before + 1}` })).toBeFocused();

  // The parts of the editor are a row of tabs that arrows walk.
  await page.getByRole("tab", { name: "Properties" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Association" })).toBeFocused();
  await expect(page.getByRole("button", { name: "Count matches" })).toBeVisible();
  await page.keyboard.press("ArrowRight");
  await tabTo(page, page.getByRole("combobox", { name: "Pattern" }));
  await page.keyboard.type("Read-only");
  await tabTo(page, page.getByRole("button", { name: "Save", exact: true }), 200);
  await page.keyboard.press("Enter");
  await expect(page.getByText("all saved")).toBeVisible();
  const { config } = await host.call("mapping_get", { name: "systemHubspotCompany_managedUser" });
  expect(config["properties"]).toContainEqual({ source: "phone", target: "mobilePhone", default: "+1" });
  expect((config["policies"] as { action: string }[]).every(({ action }) => action === "ASYNC")).toBe(true);

  await tabTo(page, page.getByRole("button", { name: "Preview", exact: true }), 200);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("table", { name: "Records" })).toBeVisible();
});

/** What has the focus and shows it: by an outline of its own, or of what stands for it on the screen. */
function focused(page: Page): Promise<{ name: string; seen: boolean } | null> {
  return page.evaluate(() => {
    const part = document.activeElement;
    if (!part || part === document.body) return null;
    const shown = [part, part.closest("label"), part.closest("tr"), part.closest(".cm-editor"), part.closest("[role=group]")];
    const outlined = (one: Element | null) => one !== null && getComputedStyle(one).outlineStyle !== "none" && parseFloat(getComputedStyle(one).outlineWidth) > 0;
    return { name: `${part.getAttribute("role") ?? part.tagName} ${part.getAttribute("aria-label") ?? part.textContent.trim().slice(0, 40)}`, seen: shown.some(outlined) };
  });
}

test("wherever Tab comes to, the focus is seen", async ({ host, page }) => {
  const { connector, inbound } = await sample(host);
  await reconcile(host, inbound);
  for (const place of [`/mappings/${inbound}?tab=json`, `/connectors/${connector}?tab=data`, "/audit", "/settings"]) {
    await open(page, host, place);
    const walked: string[] = [];
    for (let step = 0; step < 80; step++) {
      await page.keyboard.press("Tab");
      const at = await focused(page);
      // The end of the page: the browser's own controls come next.
      if (!at) break;
      walked.push(at.name);
      expect(at.seen, `${place}: ${at.name}`).toBe(true);
    }
    expect(walked.length, place).toBeGreaterThan(3);
  }
  // What looks away from the window leaves no trace in it either: the link over its edge casts no shadow into it.
  await open(page, host);
  const skip = await page.getByRole("link", { name: "Skip to the screen" }).evaluate((link) => link.getBoundingClientRect().bottom);
  expect(skip).toBeLessThan(-38);
});
