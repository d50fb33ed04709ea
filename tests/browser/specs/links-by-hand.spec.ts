import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("a record is linked to another one by hand, found by name, and unlinked", async ({ host, page }) => {
      const { inbound, outbound } = await sample(host);
      // Otherwise the other user would get a contact of its own at once.
      await host.call("mapping_remove", { name: outbound });
      const ann = await host.createContact({ email: "zz-ann@example.org", firstname: "Zzann", lastname: "Oldname" });
      await reconcile(host, inbound);
      const { object: other } = await host.call("object_save", { kind: "user", id: null, rev: null, attributes: { userName: "zz-other", givenName: "Zzother", sn: "Newname", mail: "zz-other@example.org" } });

      await open(page, host, `/mappings/${inbound}?tab=association`);
      const links = page.getByRole("table", { name: "Links" });
      await expect(links.getByRole("row").nth(1)).toBeVisible();
      await page.getByRole("searchbox", { name: "Search source records" }).fill("zz-ann@");
      const row = links.getByRole("row").filter({ hasText: "Zzann Oldname" });
      await expect(row).toContainText("linked");
      await row.getByRole("button", { name: /Zzann/ }).click();
      const panel = page.getByRole("complementary", { name: "Link of Zzann Oldname" });
      await expect(panel).toContainText("CONFIRMED");
      await expect(panel.getByRole("region", { name: "Linked to" })).toContainText("Zzann Oldname");

      await panel.getByRole("searchbox", { name: "Search User" }).fill("zz-other");
      await panel.getByRole("button", { name: "Link to Zzother Newname" }).click();
      await expect(panel.getByRole("region", { name: "Linked to" })).toContainText("Zzother Newname");
      await expect(row).toContainText("Zzother Newname");
      await picture(page, `links-by-hand-${colorScheme}`);
      await expectAccessible(page);
      expect((await host.call("object_get", { kind: "user", id: other.id })).linked.map(({ uid }) => uid)).toEqual([ann]);

      await panel.getByRole("button", { name: "Unlink" }).click();
      await expect(panel.getByRole("region", { name: "Linked to" })).toContainText("No record of User");
      // Its own user matches by address and is offered.
      await expect(panel.getByRole("region", { name: "Records that match" })).toContainText("Zzann Oldname");
      await page.getByRole("searchbox", { name: "Search source records" }).fill("");
      await page.getByRole("radio", { name: "Not linked" }).check();
      await expect(row).toContainText("not linked");
      await page.getByRole("radio", { name: "Linked", exact: true }).check();
      await expect(row).toHaveCount(0);
    });
  });
}

test("links are put right with the keyboard alone", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await host.createContact({ email: "zz-ann@example.org", firstname: "Zzann", lastname: "Oldname" });
  await reconcile(host, inbound);
  await open(page, host, `/mappings/${inbound}?tab=association`);
  const table = page.getByRole("table", { name: "Links" });
  await expect(table.getByRole("row").nth(1)).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search source records" })).toBeFocused();
  await page.keyboard.type("zz-ann@");
  // Only what was searched for is left: until then the rows are about to be replaced, and their focus with them.
  await expect(table.getByRole("row")).toHaveCount(2);
  const row = table.getByRole("button", { name: /Zzann/ });
  await row.focus();
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "Link of Zzann Oldname" });
  const unlink = panel.getByRole("button", { name: "Unlink" });
  await unlink.focus();
  await page.keyboard.press("Space");
  const link = panel.getByRole("button", { name: "Link to Zzann Oldname" });
  await expect(link).toBeVisible();
  await link.focus();
  await page.keyboard.press("Enter");
  await expect(unlink).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
});
