import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("a question of the inbox is answered by a choice, and the audit knows it", async ({ host, page }) => {
      const { inbound, outbound } = await sample(host);
      // Otherwise the first of the twins would be linked by its own delivery.
      await host.call("mapping_remove", { name: outbound });
      const contact = (await host.contacts()).find(({ properties }) => properties["email"] && properties["firstname"] && properties["lastname"]);
      const mail = String(contact?.properties["email"]).toLowerCase();
      // Two users have the mail of one contact.
      for (const userName of ["twin1", "twin2"]) {
        await host.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName, givenName: "Twin", sn: userName, mail } });
      }
      await reconcile(host, inbound);

      await open(page, host, "/");
      await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Inbox" }).click();
      const question = page.getByRole("list", { name: "Questions" }).getByRole("listitem").filter({ hasText: "Several match" });
      await expect(question.getByRole("radio")).toHaveCount(2);
      await expect(question.getByRole("link", { name: "Twin twin2" })).toBeVisible();
      await picture(page, `inbox-${colorScheme}`);
      await expectAccessible(page);
      await question.getByRole("radio").first().check();
      await question.getByRole("button", { name: "Link to the chosen one" }).click();
      await expect(page.getByText("Nothing waits for you.")).toBeVisible();

      await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit" }).click();
      const audit = page.getByRole("table", { name: "Audit" });
      // By the name of the record, not by the number of the question.
      await expect(audit.getByRole("row").filter({ hasText: "Inbox" }).filter({ hasText: String(contact?.properties["lastname"]) })).toHaveCount(1);
      await page.getByRole("searchbox", { name: "Search the audit" }).fill("removed");
      await expect(audit.getByRole("row").filter({ hasText: outbound })).toHaveCount(1);
      await expect(audit.getByRole("row").filter({ hasText: "Inbox" })).toHaveCount(0);
      await picture(page, `audit-${colorScheme}`);
      await expectAccessible(page);
    });
  });
}

test("what failed is run again, and an incremental run reads only what changed", async ({ host, page }) => {
  const { inbound, outbound } = await sample(host);
  await reconcile(host, inbound);
  const { users } = await host.call("users_list", { search: null, filter: null, sort: null, after: null, limit: 3 });
  await host.faults([{ path: "/crm/*", times: "always", action: { answer: { status: 503 } } }]);
  for (const { id } of users) await host.call("object_save", { kind: "user", id, rev: null, attributes: { city: "Bergen" } });
  await host.faults([]);
  const waiting = (await host.call("queue_list", { after: null, limit: null })).rows;
  for (const { id } of waiting) await host.call("queue_discard", { id });
  const told = (await host.call("audit_list", { topic: "queue", search: null, after: null, limit: null })).rows;
  expect(told.map(({ object }) => object).sort()).toEqual(waiting.map(({ title }) => title).sort());

  await open(page, host, `/mappings/${outbound}`);
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  const carryOut = page.getByRole("button", { name: /^Reconcile \d changes?$/ });
  await expect(carryOut).toBeVisible();
  await host.faults([{ path: "*/batch/update", times: "always", action: { answer: { status: 400, body: "{}" } } }]);
  await carryOut.click();
  await expect(page.getByText("Some failed")).toBeVisible();
  await host.faults([]);
  const { failed } = (await host.call("runs_list", { mapping: outbound, after: null, limit: 1 })).runs[0] ?? { failed: 0 };
  // The records of one cause, without its having to be typed.
  const causes = page.getByRole("region", { name: "Failures by cause" });
  await causes.getByRole("button", { name: /^Show the records: / }).first().click();
  await expect(page.getByRole("button", { name: /^Failed \d+$/ })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByRole("searchbox", { name: "Search records" })).not.toHaveValue("");
  await expect(page.getByRole("table", { name: "Records" }).getByRole("rowheader")).toHaveCount(failed);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `run-again-${colorScheme}`);
    await expectAccessible(page);
  }
  await page.getByRole("button", { name: /^(Run the failed ones|Look at \d+ records?) again$/ }).click();
  await carryOut.click();
  await expect(page.getByText(/(\d) of \1 changes? done/).last()).toBeVisible();

  await page.getByRole("tab", { name: "Runs" }).click();
  await picture(page, "mapping-runs-incremental");
  await expectAccessible(page);
  await page.getByRole("region", { name: "Incremental" }).getByRole("button", { name: "Preview changes" }).click();
  await expect(page.getByRole("tab", { name: "Run", exact: true })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByText(/Planned|Nothing to reconcile/).first()).toBeVisible();
});

test.describe("in a narrow window", () => {
  test.use({ viewport: { width: 900, height: 600 } });

  test("the figures of a held undo stand beside its name, and its buttons below where there is no room", async ({ host, page }) => {
    const { inbound } = await sample(host);
    await reconcile(host, inbound);
    const [done] = (await host.call("runs_list", { mapping: inbound, after: null, limit: 1 })).runs;
    const { id } = await host.call("run_undo", { id: done?.id ?? "", preview: false, allowDeletes: null });
    await expect.poll(async () => (await host.call("run_get", { id })).summary.state).toBe("held");
    await open(page, host, `/mappings/${inbound}?tab=run&run=${id}`);
    await expect(page.getByRole("button", { name: /^Allow \d+ deletes for this run$/ })).toBeVisible();
    const figures = await page.getByText(/calls/).last().boundingBox();
    expect(figures?.height, "two lines at most").toBeLessThanOrEqual(44);
    await picture(page, "undo-held-narrow");
    await expectAccessible(page);
  });
});
