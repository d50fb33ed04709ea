import type { Page } from "@playwright/test";

import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

const tab = (page: Page, name: string) => page.getByRole("tab", { name, exact: true });
const grid = (page: Page) => page.getByRole("table", { name: "Properties" });
const row = (page: Page, target: string) => grid(page).getByRole("row").filter({ has: page.getByRole("button", { name: `Edit ${target}`, exact: true }) });
const save = (page: Page) => page.getByRole("button", { name: "Save", exact: true });

test("properties show a record's values on both sides and follow an edit before it is saved", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await host.createContact({ email: "Grace@Example.org", firstname: "  Grace ", lastname: "Hopper", city: "Arlington" });
  await open(page, host, `/mappings/${inbound}`);

  const picker = page.getByRole("combobox", { name: "Sample" });
  await picker.fill("hopper");
  await page.getByRole("option", { name: /Grace/ }).click();
  await expect(page.getByRole("status").filter({ hasText: "ABSENT" })).toContainText("Create");
  await expect(row(page, "mail")).toContainText("Grace@Example.org");
  await expect(row(page, "mail")).toContainText("grace@example.org");

  await row(page, "city").getByRole("button", { name: "Edit city" }).click();
  const panel = page.getByRole("complementary", { name: "Property city" });
  await panel.getByRole("button", { name: "Add transform" }).click();
  await panel.getByRole("combobox", { name: "Transform" }).selectOption("Upper case");
  await expect(row(page, "city")).toContainText("ARLINGTON");
  await expect(panel.getByRole("region", { name: "Why, for the sample" })).toContainText("The target gets this value");
  await expect(panel.getByRole("region", { name: "Source values" })).toContainText("have a value");
  expect(JSON.stringify((await host.call("mapping_get", { name: inbound })).config)).not.toContain("upper");

  await save(page).click();
  await expect(page.getByText("all saved")).toBeVisible();
  const { config } = await host.call("mapping_get", { name: inbound });
  expect(config["properties"]).toContainEqual({ source: "city", target: "city", transform: { builtIn: "upper" } });
});

test("a record is reconciled by itself, after a look at what that means", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await host.createContact({ email: "only@example.org", firstname: "Only", lastname: "One" });
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("combobox", { name: "Sample" }).fill("only@");
  await page.getByRole("option", { name: /only@example.org/ }).click();
  await page.getByRole("button", { name: "Preview this record" }).click();
  await page.getByRole("button", { name: "Reconcile 1 change", exact: true }).click();
  await expect.poll(async () => (await host.call("app_status", {})).users).toBe(1);
});

test("every edit can be taken back by itself, all of them at once, and leaving asks first", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Remove website" }).click();
  await page.getByRole("button", { name: "Remove country" }).click();
  await expect(page.getByText("unsaved: 2 changes")).toBeVisible();
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(row(page, "country")).toBeVisible();
  await expect(row(page, "website")).toHaveCount(0);
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("Control+z");
  await expect(page.getByText("all saved")).toBeVisible();
  await page.keyboard.press("Control+Shift+z");
  await expect(page.getByText("unsaved: 1 change")).toBeVisible();

  // The parts of the editor share the edits; another screen would lose them.
  await tab(page, "Advanced").click();
  await page.getByRole("textbox", { name: "Deletes at most", exact: true }).fill("12");
  await expect(page.getByText("unsaved: 2 changes")).toBeVisible();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Runs" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("textbox", { name: "Deletes at most", exact: true })).toHaveValue("12");
  await page.getByRole("button", { name: "Undo all" }).click();
  await expect(page.getByText("all saved")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Deletes at most", exact: true })).toHaveValue("");
});

test("a script is written with names to choose from, and what is wrong with it stands beside it", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await open(page, host, `/mappings/${inbound}`);
  await row(page, "title").getByRole("button", { name: "Edit title" }).click();
  const panel = page.getByRole("complementary", { name: "Property title" });
  const why = panel.getByRole("region", { name: "Why, for the sample" });
  const said = await why.innerText();
  await panel.getByRole("combobox", { name: "Source", exact: true }).fill("");
  await page.keyboard.press("Tab");
  // What comes a moment after an edit moves no button away from the pointer.
  const add = panel.getByRole("button", { name: "Add transform" });
  const place = await add.boundingBox();
  await expect(why).not.toHaveText(said, { useInnerText: true });
  expect(await add.boundingBox()).toEqual(place);
  await add.click();
  await panel.getByRole("combobox", { name: "Transform" }).selectOption("Script");
  const code = panel.getByRole("textbox", { name: "Transformation script" });
  await code.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("sour");
  await page.getByRole("option", { name: /^source/ }).click();
  await page.keyboard.type(".jobt");
  await page.getByRole("option", { name: /^jobtitle/ }).click();
  await page.keyboard.type(" ? 'x' : /n/.source");
  await expect(row(page, "title")).toContainText("source.jobtitle");
  // A slash typed into code is text, not the way to the search.
  await expect(code).toBeFocused();

  await page.keyboard.type(" +* 3");
  await expect(panel.getByRole("alert")).toContainText("transform");
  await save(page).click();
  await expect(page.getByRole("alert").filter({ hasText: "property title" }).first()).toBeVisible();
  await expect(page.getByRole("tab", { name: "Properties something is wrong here" })).toBeVisible();
  await expect(page.getByText(/^unsaved/)).toBeVisible();
  // Tab leaves the code, so that the keyboard is not caught.
  await code.focus();
  await page.keyboard.press("Tab");
  await expect(code).not.toBeFocused();
});

test("how much of a run is done together is set, and what is no number is told", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await open(page, host, `/mappings/${inbound}`);
  await tab(page, "Advanced").click();
  const field = (name: string) => page.getByRole("textbox", { name, exact: true });
  await field("Threads").fill("two");
  await expect(page.getByText("A whole number, 0 or more.")).toBeVisible();
  await field("Threads").fill("2");
  await field("Source records together").fill("25");
  await field("Runs kept").fill("7");
  await save(page).click();
  await expect(page.getByText("all saved")).toBeVisible();
  const { config } = await host.call("mapping_get", { name: inbound });
  expect(config).toMatchObject({ taskThreads: 2, reconSourceQueryPageSize: 25, keepRuns: 7 });
  await field("Source records together").fill("");
  await save(page).click();
  await expect(page.getByText("all saved")).toBeVisible();
  expect((await host.call("mapping_get", { name: inbound })).config).not.toHaveProperty("reconSourceQueryPageSize");
});

test("the order of properties changes by keyboard and by dragging", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await open(page, host, `/mappings/${inbound}`);
  await expect(row(page, "userName")).toBeVisible();
  const names = () => grid(page).getByRole("button", { name: /^Edit / }).evaluateAll((buttons) => buttons.map((button) => button.getAttribute("aria-label")?.slice(5)));
  const [first, second, third] = await names();

  await page.getByRole("button", { name: new RegExp(`^Move ${first},`) }).focus();
  await page.keyboard.press("ArrowDown");
  await expect.poll(async () => (await names()).slice(0, 3)).toEqual([second, first, third]);
  await expect(page.getByRole("button", { name: new RegExp(`^Move ${first},`) })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect.poll(async () => (await names()).slice(0, 3)).toEqual([second, third, first]);

  const from = await page.getByRole("button", { name: new RegExp(`^Move ${first},`) }).boundingBox();
  const to = await page.getByRole("button", { name: new RegExp(`^Move ${second},`) }).boundingBox();
  if (!from || !to) throw new Error("The handles are not there.");
  await page.mouse.move(from.x + 8, from.y + 8);
  await page.mouse.down();
  await page.mouse.move(to.x + 8, to.y + 2, { steps: 6 });
  await page.mouse.up();
  await expect.poll(async () => (await names()).slice(0, 3)).toEqual([first, second, third]);
});

test("what the target needs is added with a press", async ({ host, page }) => {
  const { inbound } = await sample(host);
  const { config } = await host.call("mapping_get", { name: inbound });
  const properties = (config["properties"] as { target: string }[]).filter(({ target }) => target !== "sn" && target !== "givenName");
  await host.call("mapping_save", { create: false, config: { ...config, properties } });
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Add missing required (2)" }).click();
  await expect(row(page, "sn")).toBeVisible();
  await expect(row(page, "givenName")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Add missing required/ })).toHaveCount(0);
});

test("association: filters, a rule of groups, and its matches counted before it is saved", async ({ host, page }) => {
  const { inbound, outbound } = await sample(host);
  await reconcile(host, inbound);
  await open(page, host, `/mappings/${inbound}?tab=association`);
  await page.getByRole("button", { name: "Count matches" }).click();
  const report = page.getByRole("status").filter({ hasText: "of the source" });
  await expect(report).toContainText("one match");

  await page.getByRole("button", { name: "Add group" }).click();
  await page.getByRole("combobox", { name: "Attribute 1 of 2" }).selectOption("sn");
  await expect(report).toHaveCount(0);
  const condition = page.getByRole("group", { name: "Only records where" });
  await expect(condition.getByRole("combobox", { name: "Attribute 1" })).toHaveValue("email");
  await condition.getByRole("button", { name: "Add comparison" }).click();
  await condition.getByRole("combobox", { name: "Attribute 2" }).fill("country");
  await page.keyboard.press("Tab");
  await condition.getByRole("combobox", { name: "Comparison 2" }).selectOption("is not");
  await condition.getByRole("textbox", { name: "Value 2" }).fill("Norway");
  await page.getByRole("radio", { name: "Several, by name" }).check();
  // Whether a record of the target qualifies: all, a filter, a script; the filter is kept as the script that IDM wants.
  const qualifies = page.getByRole("group", { name: "A record of the target qualifies" }).filter({ has: page.getByRole("radio") });
  await qualifies.getByRole("radio", { name: "Filter" }).check();
  const validity = page.getByRole("group", { name: "A record of the target qualifies" }).filter({ has: page.getByRole("button", { name: "Add comparison" }) });
  await validity.getByRole("button", { name: "Add comparison" }).click();
  await validity.getByRole("combobox", { name: "Attribute 1" }).fill("accountStatus");
  await page.keyboard.press("Tab");
  await validity.getByRole("combobox", { name: "Comparison 1" }).selectOption("is");
  await validity.getByRole("textbox", { name: "Value 1" }).fill("inactive");
  await save(page).click();
  await expect(page.getByText("all saved")).toBeVisible();
  await page.reload();
  await expect(qualifies.getByRole("radio", { name: "Filter" })).toBeChecked();
  await expect(validity.getByRole("textbox", { name: "Value 1" })).toHaveValue("inactive");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await validity.scrollIntoViewIfNeeded();
    await picture(page, `mapping-validity-${colorScheme}`);
    await expectAccessible(page);
  }

  const { config } = await host.call("mapping_get", { name: inbound });
  expect(config["sourceCondition"]).toBe('/source/email pr and !(/source/country eq "Norway")');
  expect(config["correlationQuery"]).toMatchObject([{ linkQualifier: "default", expressionTree: { any: ["mail", { all: ["sn"] }] } }]);
  expect(config["linkQualifiers"]).toEqual(["default"]);
  expect(config["validTarget"]).toMatchObject({ type: "text/javascript", source: expect.stringContaining('//filter: /accountStatus eq "inactive"') });
  // The engine runs what was written: of two users without a contact it looks at one.
  await host.call("mapping_remove", { name: outbound });
  for (const accountStatus of ["active", "inactive"]) await host.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName: accountStatus, givenName: "Nobody", sn: accountStatus, mail: `${accountStatus}@nowhere.example`, accountStatus } });
  const { id } = await host.call("run_start", { mapping: inbound, mode: "preview", ids: [], allowDeletes: null, incremental: false });
  await expect.poll(async () => (await host.call("run_get", { id })).summary.state, { timeout: 30_000 }).toMatch(/^(planned|held)$/);
  const { situations } = await host.call("run_get", { id });
  expect(Object.fromEntries(situations.map(({ name, count }) => [name, count]))).toMatchObject({ TARGET_IGNORED: 1, UNASSIGNED: 1 });
});

test("behaviors: patterns, a condition of its own, a script on complete, scripts of events", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await open(page, host, `/mappings/${inbound}?tab=behaviors`);
  const table = page.getByRole("table", { name: "Situations" });
  await page.getByRole("combobox", { name: "Pattern" }).selectOption("Read-only");
  await expect(table.getByRole("button", { name: /^Edit ABSENT/ })).toContainText("ASYNC");
  await page.getByRole("combobox", { name: "Pattern" }).selectOption("Default actions");
  await expect(table.getByRole("button", { name: /^Edit ABSENT/ }).getByRole("img", { name: "default" })).toBeVisible();

  await table.getByRole("button", { name: /^Edit FOUND:/ }).click();
  const panel = page.getByRole("complementary", { name: "Policy for FOUND" });
  await panel.getByRole("radio", { name: /^LINK/ }).check();
  await panel.getByRole("radio", { name: "Filter" }).check();
  await panel.getByRole("button", { name: "Add comparison" }).click();
  await panel.getByRole("combobox", { name: "Attribute 1" }).fill("jobtitle");
  await page.keyboard.press("Tab");
  await expect(table.getByRole("button", { name: /^Edit FOUND:/ }).getByRole("img", { name: "permitted" })).toBeVisible();
  await page.getByRole("button", { name: "Add a policy for FOUND", exact: true }).click();
  await page.getByRole("complementary", { name: "Policy for FOUND" }).getByRole("radio", { name: /^IGNORE/ }).check();

  await page.getByRole("button", { name: "Add onCreate" }).click();
  await expect(page.getByRole("textbox", { name: "onCreate" })).toContainText("target.description");
  await save(page).click();
  await expect(page.getByText("all saved")).toBeVisible();
  const { config } = await host.call("mapping_get", { name: inbound });
  const found = (config["policies"] as { situation: string }[]).filter(({ situation }) => situation === "FOUND");
  expect(found).toEqual([
    { situation: "FOUND", action: "LINK", condition: "/object/jobtitle pr" },
    { situation: "FOUND", action: "IGNORE" },
  ]);
  expect(config["onCreate"]).toMatchObject({ type: "text/javascript" });
});

test("the document is the same draft: what is typed there is seen on every tab", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await open(page, host, `/mappings/${inbound}?tab=json`);
  const text = page.getByRole("textbox", { name: "Mapping document" });
  await expect(text).toContainText('"managed/user"');
  await text.click();
  await page.keyboard.press("Control+a");
  const { config } = await host.call("mapping_get", { name: inbound });
  await page.keyboard.insertText(JSON.stringify({ ...config, displayName: "By hand", ours: { kept: true } }, null, 1));
  await tab(page, "Advanced").click();
  await expect(page.getByRole("textbox", { name: "Title" })).toHaveValue("By hand");

  await tab(page, "JSON").click();
  await text.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("}");
  await expect(page.getByRole("alert")).toContainText("not JSON");
  await save(page).click();
  await expect(page.getByRole("alert")).toContainText("not JSON");
  await page.keyboard.press("Control+End");
  await page.getByRole("textbox", { name: "Mapping document" }).press("Backspace");
  await save(page).click();
  await expect(page.getByText("all saved")).toBeVisible();
  expect((await host.call("mapping_get", { name: inbound })).config).toMatchObject({ displayName: "By hand", ours: { kept: true } });
});

test("what a record holds is shown as text and never widens the editor", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await host.createContact({ email: "zz@example.org", firstname: '<img src=x onerror="document.title=1"> \u202e\u05e9\u05dc\u05d5\u05dd \ud83d\ude00', lastname: "L".repeat(10_000), city: "x".repeat(10_000) });
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("combobox", { name: "Sample" }).fill("zz@");
  await page.getByRole("option", { name: /zz@example.org/ }).click();
  await expect(row(page, "mail")).toContainText("zz@example.org");
  await row(page, "givenName").getByRole("button", { name: "Edit givenName" }).click();
  const panel = page.getByRole("complementary", { name: "Property givenName" });
  await expect(panel.getByRole("region", { name: "Why, for the sample" })).toContainText("<img src=x");
  await row(page, "city").getByRole("button", { name: "Edit city" }).click();
  await expect(page.getByRole("complementary", { name: "Property city" })).toContainText("xxx");
  await expect(page.locator("img")).toHaveCount(0);
  const wide = await page.evaluate(() => [...document.querySelectorAll("main, main *")].filter((part) => part.getBoundingClientRect().right > innerWidth + 1).length);
  expect(wide).toBe(0);
});

test.describe("with frozen prototypes, as in the application's window", () => {
  test("code is edited all the same", async ({ host, page }) => {
    const { inbound } = await sample(host);
    await page.addInitScript(() => Object.freeze(Object.prototype));
    await open(page, host, `/mappings/${inbound}?tab=behaviors`);
    await page.getByRole("button", { name: "Add onLink" }).click();
    const code = page.getByRole("textbox", { name: "onLink" });
    await code.click();
    await page.keyboard.type("const a = [source.email");
    await expect(code).toContainText("const a = [source.email]");
    // The editor has its own look although no inline style is allowed.
    await expect(code).toHaveCSS("font-family", /mono/i);
    await expect(code).toHaveCSS("white-space", "break-spaces");
  });
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("every part of the editor is accessible", async ({ host, page }) => {
      test.setTimeout(180_000);
      const { inbound } = await sample(host);
      await reconcile(host, inbound);
      for (const part of ["properties", "association", "behaviors", "scheduling", "advanced", "json"]) {
        await test.step(part, async () => {
          await open(page, host, `/mappings/${inbound}${part === "properties" ? "" : `?tab=${part}`}`);
          if (part === "properties") {
            await expect(page.getByRole("status").filter({ hasText: "CONFIRMED" })).toBeVisible();
            await picture(page, `mapping-grid-${colorScheme}`);
            await row(page, "mail").getByRole("button", { name: "Edit mail" }).click();
            await expect(page.getByRole("region", { name: "Target values" })).toBeVisible();
          }
          if (part === "association") await page.getByRole("button", { name: "Count matches" }).click();
          if (part === "behaviors") await page.getByRole("button", { name: /^Edit UNQUALIFIED/ }).click();
          await expect(page.locator(".animate-pulse-soft")).toHaveCount(0);
          await picture(page, `mapping-${part}-${colorScheme}`);
          await expectAccessible(page);
        });
      }
      await test.step("new mapping", async () => {
        await open(page, host, "/mappings/new");
        await page.getByRole("combobox", { name: "Source" }).selectOption({ label: "HubSpot (sandbox) company" });
        await page.getByRole("combobox", { name: "Target" }).selectOption({ label: "User" });
        await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("systemHubspotCompany_managedUser");
        await picture(page, `mapping-new-${colorScheme}`);
        await expectAccessible(page);
      });
    });
  });
}
