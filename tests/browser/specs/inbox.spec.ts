import { expect, expectAccessible, open, picture, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("records of a remote system are chosen by name, with the keyboard alone", async ({ host, page }) => {
      const { outbound } = await sample(host);
      // Users are compared by last name, which two contacts share.
      const { config } = await host.call("mapping_get", { name: outbound });
      await host.call("mapping_save", { create: false, config: { ...config, correlationQuery: [{ linkQualifier: "default", expressionTree: { all: ["lastname"] } }] } });
      await host.createContact({ email: "zz-first@example.org", firstname: "Zzfirst", lastname: "Zzshared", company: "First Inc." });
      const second = await host.createContact({ email: "zz-second@example.org", firstname: "Zzsecond", lastname: "Zzshared" });
      // The contacts are known once a run has read them.
      const { id: run } = await host.call("run_start", { mapping: outbound, mode: "preview", ids: [], allowDeletes: null, incremental: false });
      await expect.poll(async () => (await host.call("run_get", { id: run })).summary.state, { timeout: 30_000 }).toMatch(/planned|held/);
      const { object } = await host.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName: "zz", givenName: "Zz", sn: "Zzshared", mail: "zz@example.org" } });
      await expect.poll(async () => (await host.call("inbox_list", { mapping: null, after: null, limit: 10 })).total).toBe(1);

      await open(page, host, "/inbox");
      const question = page.getByRole("list", { name: "Questions" }).getByRole("listitem").first();
      await expect(question).toContainText("Zzfirst Zzshared");
      await expect(question).toContainText("zz-second@example.org");
      await picture(page, `inbox-remote-${colorScheme}`);
      await expectAccessible(page);

      await page.keyboard.press("j");
      await expect(question.getByRole("heading")).toBeFocused();
      const radio = question.getByRole("radio", { name: "Choose Zzsecond Zzshared" });
      for (let step = 0; step < 6 && !(await question.getByRole("radio").first().evaluate((box) => box === document.activeElement)); step++) await page.keyboard.press("Tab");
      await expect(question.getByRole("radio").first()).toBeFocused();
      await page.keyboard.press("Space");
      if (!(await radio.isChecked())) await page.keyboard.press("ArrowDown");
      await expect(radio).toBeChecked();
      await page.keyboard.press("Enter");
      await expect(page.getByText("Nothing waits for you.")).toBeVisible();
      expect((await host.call("object_get", { kind: "user", id: object.id })).linked.map(({ uid }) => uid)).toEqual([second]);
    });

    test("what becomes of the contact of a user who was deleted is asked", async ({ host, page }) => {
      await sample(host);
      const { object } = await host.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName: "zz", givenName: "Zz", sn: "Zzgone", mail: "zz@example.org" } });
      const linked = async () => (await host.call("object_get", { kind: "user", id: object.id })).linked.length;
      await expect.poll(linked).toBe(1);
      const { rev } = (await host.call("object_get", { kind: "user", id: object.id })).object;
      await host.call("object_delete", { kind: "user", id: object.id, rev });
      await open(page, host, "/inbox");
      const question = page.getByRole("list", { name: "Questions" }).getByRole("listitem", { name: /Zz/ });
      await expect(question.getByRole("group", { name: "The record that came of it" })).toContainText("zz@example.org");
      await picture(page, `inbox-source-gone-${colorScheme}`);
      await expectAccessible(page);
      await question.getByRole("button", { name: "Delete it too" }).click();
      await picture(page, `inbox-delete-too-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("dialog").getByRole("button", { name: /^Delete HubSpot/ }).click();
      await expect(question).toHaveCount(0);
      await expect(page.getByText("Nothing waits for you.")).toBeVisible();
    });
  });
}
