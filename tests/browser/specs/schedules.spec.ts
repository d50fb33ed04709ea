import { readFile } from "node:fs/promises";

import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("a mapping runs by itself at its times, follows its source, and its runs are drawn and exported", async ({ host, page }) => {
      const { inbound, outbound } = await sample(host);
      await open(page, host, `/mappings/${inbound}?tab=scheduling`);
      await page.getByRole("button", { name: "Add schedule" }).click();
      const dialog = page.getByRole("dialog", { name: "New schedule" });
      await dialog.getByLabel("Time", { exact: true }).fill("02:30");
      for (const day of ["Sat", "Sun"]) await dialog.getByRole("button", { name: day }).click();
      await dialog.getByLabel("Time zone").selectOption("Europe/Berlin");
      const times = dialog.getByRole("region", { name: "Next times" });
      await expect(times.getByRole("listitem")).toHaveCount(5);
      await expect(times).toContainText("(Europe/Berlin)");
      await expect(times).not.toContainText(/Sat|Sun/);
      await picture(page, `schedule-${colorScheme}`);
      await expectAccessible(page);
      await dialog.getByRole("radio", { name: "Cron" }).check();
      await dialog.getByLabel("Cron expression").fill("0 0 2 1 * MON");
      await expect(dialog.getByLabel("Cron expression")).toHaveAccessibleDescription(/write “\?” for one of them/);
      await expect(times).toHaveText("No time follows from what is typed.");
      await dialog.getByRole("radio", { name: "At a time of day" }).check();
      await dialog.getByRole("button", { name: "Save" }).click();
      const row = page.getByRole("row").filter({ hasText: inbound });
      await expect(row).toContainText("not fired yet");

      // By hand, and its run is linked.
      await row.getByRole("button", { name: `Run ${inbound} now` }).click();
      await expect(row.getByRole("link", { name: `Run of ${inbound}: Done` })).toBeVisible();

      await page.getByRole("switch", { name: /^Follow the changes of HubSpot/ }).check();
      const live = page.getByRole("row").filter({ hasText: "liveSync_hubspot_contact" });
      await expect(live).toContainText("Every 5 minutes");
      await picture(page, `scheduling-${colorScheme}`);
      await expectAccessible(page);

      await reconcile(host, outbound);
      await page.keyboard.press("Escape");
      await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Schedules" }).click();
      await expect(page.getByRole("table", { name: "Schedules" }).getByRole("row")).toHaveCount(3);
      await picture(page, `schedules-${colorScheme}`);
      await expectAccessible(page);

      await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Runs" }).click();
      await expect(page.getByRole("region", { name: "Timeline" })).toContainText("2 runs in the last 24 hours");
      await picture(page, `timeline-${colorScheme}`);
      await expectAccessible(page);

      await page.getByRole("table", { name: "Runs" }).getByRole("row").last().getByRole("rowheader").click();
      await expect(page.getByRole("list", { name: "By action" })).toBeVisible();
      await expect(page.getByRole("list", { name: "By situation" })).toContainText("ABSENT");
      await page.getByRole("table", { name: "Records" }).getByRole("rowheader").first().click();
      await page.getByRole("button", { name: "Why these values" }).click();
      await expect(page.getByRole("region", { name: "Trace" }).getByRole("listitem").first()).toBeVisible();
      await picture(page, `run-trace-${colorScheme}`);
      await expectAccessible(page);
    });
  });
}

test("a schedule fires while the host runs", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await host.call("schedule_save", { create: true, name: "often", config: { type: "simple", repeatInterval: 1000, repeatCount: 0, persisted: true, invokeService: "sync", invokeContext: { action: "reconcile", mapping: inbound } } });
  await open(page, host, "/schedules");
  const row = page.getByRole("row").filter({ hasText: "often" });
  await expect(row.getByRole("link", { name: "Run of often: Done" })).toBeVisible();
  await expect(row).toContainText("its time is over");
  // In a narrow window, too, there is room for what came of the last time.
  await page.setViewportSize({ width: 960, height: 640 });
  const last = await page.getByRole("columnheader", { name: "Last" }).boundingBox();
  expect(last?.width).toBeGreaterThan(100);
  const { rows } = await host.call("audit_list", { topic: "schedule", search: null, after: null, limit: 10 });
  expect(rows.map(({ who, detail }) => [who, detail])).toContainEqual(["schedule often", "started"]);
});

test("what a list shows is exported, and no cell is a formula", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await host.createContact({ firstname: "=HYPERLINK(\"http://evil.example\")", lastname: "Formula", email: "formula@example.org" });
  const { id } = await host.call("run_start", { mapping: inbound, mode: "preview", ids: [], allowDeletes: null, incremental: false });
  await open(page, host, `/runs/${id}`);
  await page.getByRole("searchbox", { name: "Search records" }).fill("formula@example.org");
  await expect(page.getByRole("table", { name: "Records" }).getByRole("rowheader")).toHaveCount(1);
  await page.getByRole("button", { name: "Export" }).click();
  await picture(page, "run-export");
  await page.getByRole("menuitem", { name: "CSV" }).click();
  const told = page.getByRole("main").getByText(/1 record exported to/);
  await expect(told).toBeVisible();
  await expectAccessible(page);
  const path = /exported to (\S+\.csv)/.exec((await told.textContent()) ?? "")?.[1] ?? "";
  const text = await readFile(path, "utf8");
  expect(text.split("\r\n")).toHaveLength(3);
  expect(text).toContain("\"'=HYPERLINK(");

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit" }).click();
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("menuitem", { name: "JSON" }).click();
  await expect(page.getByRole("main").getByText(/lines exported to/)).toBeVisible();
});

test("an incremental run is begun from the head of its mapping", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "More runs" }).click();
  const asked = page.waitForRequest((request) => request.url().endsWith("/api/run_start"));
  await page.getByRole("menuitem", { name: "Preview incrementally" }).click();
  expect((await asked).postDataJSON()).toMatchObject({ mapping: inbound, mode: "preview", incremental: true });
  await expect(page.getByRole("tab", { name: "Run", exact: true })).toHaveAttribute("aria-selected", "true");
});

test.describe("many records", () => {
  test.use({ hostOptions: { records: 4000 } });

  test("a run under way is asked about a few times a second, however many records go by", async ({ host, page }) => {
    const { inbound } = await sample(host);
    const asked: { at: number; command: string }[] = [];
    page.on("request", (request) => {
      const command = /\/api\/(\w+)$/.exec(request.url())?.[1];
      if (command) asked.push({ at: Date.now(), command });
    });
    await open(page, host, `/mappings/${inbound}`);
    await page.getByRole("button", { name: "Reconcile", exact: true }).click();
    await expect(page.getByText(/[\d,]+ of [\d,]+ changes done/).first()).toBeVisible({ timeout: 60_000 });
    for (const command of ["run_get", "mapping_get", "mappings_list", "runs_list"] as const) {
      const times = asked.filter((request) => request.command === command).map(({ at }) => at);
      // In no second more than five: four by the clock, and one because something has just begun or ended.
      for (const from of times) expect(times.filter((at) => at >= from && at < from + 1000).length, command).toBeLessThanOrEqual(5);
    }
  });
});

test("all keys lead somewhere without a mouse", async ({ host, page }) => {
  await sample(host);
  await open(page, host, "/");
  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(keys).toContainText("Go to Schedules");
  await picture(page, "shortcuts");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  // Behind it no key leads anywhere.
  await expect(keys).toHaveCount(0);
  for (const [key, title] of [["m", "Mappings"], ["s", "Schedules"], ["r", "Runs"], ["a", "Audit"], ["q", "Queue"]] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  }
  await page.keyboard.press("Alt+ArrowLeft");
  await expect(page.getByRole("heading", { level: 1, name: "Audit" })).toBeVisible();
  await page.keyboard.press("Alt+ArrowRight");
  await expect(page.getByRole("heading", { level: 1, name: "Queue" })).toBeVisible();
});

test("notifications are switched off and stay off", async ({ host, page }) => {
  await sample(host);
  await open(page, host, "/settings");
  const tell = page.getByRole("switch", { name: "Tell me on the desktop" });
  await expect(tell).toBeChecked();
  await tell.click();
  await expect.poll(async () => (await host.call("preferences_get", {})).notifications).toBe(false);
  await page.reload();
  await expect(tell).not.toBeChecked();
});
