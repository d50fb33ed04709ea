import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("a user stands beside its remote record as that is now, with the differences marked", async ({ host, page }) => {
      const { inbound } = await sample(host);
      await host.createContact({ email: "zz-live@example.org", firstname: "Zz", lastname: "Live", city: "Oslo" });
      await reconcile(host, inbound);
      const found = await host.call("objects_list", { kind: "user", search: "zz-live@example.org", filter: null, sort: null, after: null, limit: 1, exactTotal: false });
      const id = found.objects[0]?.id ?? "";
      await open(page, host, `/users/${id}`);
      const beside = page.getByRole("table", { name: /contact beside User$/ });
      await expect(page.getByText("the same on both sides")).toBeVisible();
      await expect(beside.getByRole("row").filter({ hasText: "City" })).toContainText("Oslo");

      // Somebody changes it over there; nothing has read that yet.
      const contact = (await host.contacts()).find(({ properties }) => properties["email"] === "zz-live@example.org");
      await fetch(`${host.sandbox}/crm/v3/objects/contacts/${contact?.id}`, { method: "PATCH", headers: { "content-type": "application/json", authorization: "Bearer sandbox-service-key" }, body: JSON.stringify({ properties: { city: "Bergen" } }) });
      await page.getByRole("button", { name: "Read again" }).click();
      const row = beside.getByRole("row").filter({ hasText: "City" });
      await expect(row).toContainText("Bergen");
      await expect(row.getByRole("img", { name: "differs" })).toBeVisible();
      await expect(page.getByText("1 attribute differs")).toBeVisible();
      await picture(page, `user-beside-${colorScheme}`);
      await expectAccessible(page);

      // A system that is away is told, with what was last seen.
      await host.faults([{ path: "/crm/*", times: "always", action: { answer: { status: 503 } } }]);
      await page.reload();
      await expect(page.getByText("Below is what was last seen of it.")).toBeVisible({ timeout: 60_000 });
      await expect(page.getByRole("table", { name: /as last seen$/ })).toContainText("Oslo");
      await host.faults([]);
    });
  });
}
