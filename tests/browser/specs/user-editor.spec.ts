import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("a password is set, never shown, and told with every policy that it breaks", async ({ host, page }) => {
      const { inbound } = await sample(host);
      await reconcile(host, inbound);
      const { users } = await host.call("users_list", { search: null, filter: null, sort: null, after: null, limit: 40 });
      // One whose city came from the CRM, so that there is a run to name.
      const id = users.find(({ attributes }) => attributes["city"])?.id ?? "";
      await open(page, host, `/users/${id}`);
      const field = page.getByLabel("Password", { exact: true });
      await field.fill("short");
      await page.getByRole("textbox", { name: "City" }).fill("Bergen");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(field).toHaveAttribute("aria-invalid", "true");
      const told = page.locator(`[id="${(await field.getAttribute("aria-describedby"))?.split(" ").find((part) => part.endsWith("-error"))}"] li`);
      await expect(told.nth(1), "more than one policy is broken").toBeVisible();
      await picture(page, `user-password-refused-${colorScheme}`);
      await expectAccessible(page);

      await field.fill("Xq7Zw9Kv3Jp5");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByText("all saved")).toBeVisible();
      await expect(page.getByRole("group", { name: "Password" })).toContainText("set on");
      expect(await page.content()).not.toContain("Xq7Zw9Kv3Jp5");

      // Who changed what, and by which run of which mapping.
      const history = page.getByRole("table", { name: "History" });
      await expect(history.getByRole("row").filter({ hasText: "City" }).filter({ hasText: "Bergen" })).toContainText("by hand");
      await page.getByRole("combobox", { name: "Attribute" }).selectOption("City");
      await expect(history.getByRole("rowheader").first()).toHaveText("City");
      await expect(history.getByRole("link", { name: inbound }).first()).toBeVisible();
      await history.scrollIntoViewIfNeeded();
      await picture(page, `user-history-${colorScheme}`);
      await expectAccessible(page);
    });
  });
}

test("what was saved elsewhere meanwhile is told, and nothing typed is lost", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  const { users } = await host.call("users_list", { search: null, filter: null, sort: null, after: null, limit: 1 });
  const id = users[0]?.id ?? "";
  await open(page, host, `/users/${id}`);
  await page.getByRole("textbox", { name: "City" }).fill("Bergen");
  await host.call("object_save", { kind: "user", id, rev: null, attributes: { description: "from elsewhere" } });
  await page.getByRole("button", { name: "Save" }).click();
  const alert = page.getByRole("alert");
  await alert.getByRole("button", { name: "Reload" }).click();
  await expect(page.getByRole("textbox", { name: "Description" })).toHaveValue("from elsewhere");
  await expect(page.getByRole("textbox", { name: "City" })).toHaveValue("Bergen");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("all saved")).toBeVisible();
  expect((await host.call("user_get", { id })).user.attributes).toMatchObject({ city: "Bergen", description: "from elsewhere" });
});

test("a window that is closed over what is unsaved asks first, and only then", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  const { users } = await host.call("users_list", { search: null, filter: null, sort: null, after: null, limit: 1 });
  await open(page, host, `/users/${users[0]?.id ?? ""}`);
  const city = page.getByRole("textbox", { name: "City" });
  await city.fill("Bergen");
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const question = await asked;
  expect(question.type()).toBe("beforeunload");
  await question.dismiss();
  await expect(city).toHaveValue("Bergen");

  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(page.getByText("all saved")).toBeVisible();
  page.on("dialog", (question) => expect.soft(question.type(), "nothing is asked").toBe("none"));
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await closed;
});
