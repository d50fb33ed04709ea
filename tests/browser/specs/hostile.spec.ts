import type { Page } from "@playwright/test";

import type { Host } from "../support/host";
import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

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
  const beside = page.getByRole("table", { name: /contact beside User$/ });
  await expect(beside).toContainText(LAST);
  // The turned text is isolated from what stands beside it.
  await expect(beside.locator("bdi", { hasText: "gnp.exe" }).first()).toHaveText(CITY);
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

/** Parts of the screen that are wider than the window or than the frame that should hold them, where nothing scrolls. */
function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const clips = (part: Element) => {
      for (let around: Element | null = part.parentElement; around; around = around.parentElement) {
        const { overflowX } = getComputedStyle(around);
        if (overflowX !== "visible") return true;
      }
      return false;
    };
    return [...document.querySelectorAll("body *")]
      .filter((part) => part.getClientRects().length > 0 && !part.closest(".sr-only, svg, .cm-editor"))
      .filter((part) => {
        const { left, right } = part.getBoundingClientRect();
        return (right > innerWidth + 1 || left < -1) && !clips(part);
      })
      .map((part) => part.outerHTML.slice(0, 120));
  });
}

/** Whether the window itself, or a frame that only scrolls downwards, can be scrolled sideways. */
function scrollsSideways(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("main, main .overflow-y-auto, aside.overflow-y-auto, [role=dialog] .overflow-y-auto")]
      .filter((frame) => frame.scrollWidth > frame.clientWidth + 1)
      .map((frame) => `${frame.tagName} ${frame.className} ${frame.scrollWidth} > ${frame.clientWidth}`),
  );
}

const ALL = [FIRST, LAST, COMPANY, `${CITY} \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627`, "\ud83d\udc69\u200d\ud83d\udc67\ud83c\uddf3\ud83c\uddf4".repeat(200), "javascript:window.hit=1", "=HYPERLINK(\"http://x\")"];

/** Contacts of every bad kind. */
async function bad(host: Host): Promise<void> {
  for (const [index, text] of ALL.entries()) await host.createContact({ email: `bad${index}@example.org`, firstname: text, lastname: text, city: text, company: text });
  await host.createContact({ email: "bad-long@example.org", firstname: "W".repeat(10_000), lastname: `${LAST}${"w".repeat(10_000)}`, city: "x ".repeat(5_000) });
}

/** Looks at a screen for everything that a text could have done to it, and keeps what the page's policy refused. */
async function watched(page: Page, colorScheme: string): Promise<{ sound: (name: string, whole?: boolean) => Promise<void>; refused: string[] }> {
  const refused: string[] = [];
  await page.exposeFunction("refusedByPolicy", (what: string) => refused.push(what));
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) => {
      const { refusedByPolicy } = window as unknown as { refusedByPolicy: (what: string) => void };
      refusedByPolicy(`${event.violatedDirective} ${event.blockedURI}`);
    }),
  );
  const sound = async (name: string, whole = true) => {
    await expect(page.locator(".animate-pulse-soft")).toHaveCount(0, { timeout: 30_000 });
    expect(await overflowing(page), name).toEqual([]);
    expect(await scrollsSideways(page), name).toEqual([]);
    expect(await page.evaluate(() => "hit" in window), name).toBe(false);
    await expect(page.locator("main img, main script, aside img")).toHaveCount(0);
    await picture(page, `hostile-${name}-${colorScheme}`);
    // What an open list of choices hides is hidden from axe's rules about whole pages too.
    if (whole) await expectAccessible(page);
  };
  return { sound, refused };
}

/** Records of every bad kind on both sides, a question about one, a run that saw them all. */
async function seed(host: Host): Promise<{ inbound: string; user: string; run: string }> {
  const { inbound, outbound } = await sample(host);
  await host.call("mapping_remove", { name: outbound });
  await bad(host);
  for (const userName of ["twin1", "twin2"]) await host.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName, givenName: FIRST, sn: "W".repeat(10_000), mail: "bad0@example.org" } });
  const { id: run } = await host.call("run_start", { mapping: inbound, mode: "reconcile", ids: [], allowDeletes: null, incremental: false });
  await expect.poll(async () => (await host.call("run_get", { id: run })).summary.state, { timeout: 60_000 }).toBe("success");
  const found = await host.call("objects_list", { kind: "user", search: "bad-long@example.org", filter: null, sort: null, after: null, limit: 1, exactTotal: false });
  const user = found.objects[0]?.id ?? "";
  await host.call("object_save", { kind: "user", id: user, rev: null, attributes: { description: `${COMPANY}${"y".repeat(10_000)}` } });
  return { inbound, user, run };
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, hostOptions: { records: 5 } });

    test("no screen is widened, scripted or made inaccessible by what records hold", async ({ host, page }) => {
      test.setTimeout(300_000);
      const { sound, refused } = await watched(page, colorScheme);
      const { inbound, user, run } = await seed(host);

      await open(page, host, "/users?q=bad");
      await page.getByRole("checkbox", { name: "Select all rows" }).check();
      await sound("users");
      await page.getByRole("group", { name: "Selected" }).getByRole("button", { name: "Delete" }).click();
      await expect(page.getByRole("dialog")).toContainText("Elsewhere");
      await sound("users-delete");
      await open(page, host, `/users/${user}`);
      await expect(page.getByRole("table", { name: /contact beside User$/ })).toBeVisible();
      await expect(page.getByRole("table", { name: "History" })).toBeVisible();
      await sound("user");
      await open(page, host, `/mappings/${inbound}`);
      await page.getByRole("combobox", { name: "Sample" }).fill("bad-long");
      await expect(page.getByRole("option").first()).toBeVisible();
      await sound("samples", false);
      await page.getByRole("option").first().click();
      await page.getByRole("button", { name: "Edit sn", exact: true }).click();
      await expect(page.getByRole("region", { name: "Target values" })).toBeVisible();
      await sound("properties");
      await open(page, host, `/mappings/${inbound}?tab=association`);
      await page.getByRole("button", { name: "Count matches" }).click();
      await expect(page.getByRole("status").filter({ hasText: "of the source" })).toBeVisible();
      await page.getByRole("searchbox", { name: "Search source records" }).fill("bad-long");
      const links = page.getByRole("table", { name: "Links" }).getByRole("rowheader");
      await expect(links).toHaveCount(1);
      await links.getByRole("button").click();
      await expect(page.getByRole("region", { name: "Linked to" })).toBeVisible();
      await page.getByRole("searchbox", { name: "Search User" }).fill("twin");
      await expect(page.getByRole("button", { name: /^Link to/ }).first()).toBeVisible();
      await sound("association");
      await open(page, host, "/inbox");
      await expect(page.getByRole("radio")).toHaveCount(2);
      await sound("inbox");
      await open(page, host, `/runs/${run}`);
      await page.getByRole("table", { name: "Records" }).getByRole("rowheader").first().click();
      await sound("run");
      await open(page, host, "/audit");
      await expect(page.getByRole("table", { name: "Audit" })).toBeVisible();
      await sound("audit");
      await open(page, host, "/types/user");
      await expect(page.getByRole("table", { name: "Properties" })).toBeVisible();
      await sound("type");
      expect(refused, "the policy had nothing to refuse").toEqual([]);
    });

    test("neither is a list of what waits, what is scheduled, or what a system holds", async ({ host, page }) => {
      test.setTimeout(300_000);
      const { sound, refused } = await watched(page, colorScheme);
      const { connector, inbound, outbound } = await sample(host);
      await bad(host);
      await reconcile(host, inbound);
      for (const [index, name] of [inbound, outbound].entries()) {
        const { config } = await host.call("mapping_get", { name });
        await host.call("mapping_save", { create: false, config: { ...config, displayName: `${ALL[index]}${"W".repeat(200)}` } });
      }
      await host.call("schedule_save", { create: true, name: "W".repeat(60), config: { enabled: false, type: "cron", schedule: "0 0 3 * * ?", persisted: true, invokeService: "sync", invokeContext: { action: "reconcile", mapping: inbound } } });
      await host.faults([{ path: "/crm/*", times: "always", action: { answer: { status: 503 } } }]);
      const found = await host.call("objects_list", { kind: "user", search: "bad", filter: null, sort: null, after: null, limit: 50, exactTotal: false });
      for (const [index, { id }] of found.objects.entries()) await host.call("object_save", { kind: "user", id, rev: null, attributes: { sn: index === 0 ? "W".repeat(10_000) : `${ALL[index % ALL.length]}!` } });
      await open(page, host, "/queue");
      await expect(page.getByRole("table", { name: "Queue" }).getByRole("rowheader").nth(3)).toBeVisible();
      await sound("queue");
      await page.getByRole("button", { name: /^Discard/ }).first().click();
      await expect(page.getByRole("dialog")).toContainText("will not be delivered");
      await sound("queue-discard");
      await host.faults([]);

      await open(page, host, "/schedules");
      await expect(page.getByRole("row").filter({ hasText: "WWWW" }).first()).toBeVisible();
      await sound("schedules");
      for (const place of ["/", "/mappings", "/runs", `/mappings/${outbound}?tab=scheduling`]) {
        await open(page, host, place);
        await sound(`titles-${place.replaceAll(/\W+/g, "-")}`);
      }
      await open(page, host, `/connectors/${connector}?tab=data`);
      const records = page.getByRole("table", { name: "Records of contact" });
      await page.getByRole("searchbox", { name: "Search contact" }).fill("bad-long");
      await expect(records.getByRole("row")).toHaveCount(2);
      await records.getByRole("row").nth(1).getByRole("button").click();
      await expect(page.getByRole("complementary").last()).toContainText("WWWW");
      await sound("connector-data");
      await open(page, host, `/connectors/new?system=hubspot&name=${connector}&step=data`);
      await expect(page.getByRole("table", { name: "First records of contact" })).toBeVisible();
      await sound("wizard-data");
      expect(refused, "the policy had nothing to refuse").toEqual([]);
    });
  });
}
