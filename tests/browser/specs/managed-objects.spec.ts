import { expect, expectAccessible, open, picture, reconcile, sample, test } from "../support/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("the type of the users gets a property, and what a change brings about is told", async ({ host, page }) => {
      const { inbound } = await sample(host);
      await reconcile(host, inbound);
      await open(page, host, "/types");
      await expect(page.getByRole("table", { name: "Managed types" })).toContainText("User");
      await picture(page, `types-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("table", { name: "Managed types" }).getByRole("link", { name: "User", exact: true }).click();
      await expect(page.getByRole("table", { name: "Properties" })).toBeVisible();
      await picture(page, `type-${colorScheme}`);
      await expectAccessible(page);

      // A new property, with a policy, moved up by key.
      await page.getByRole("textbox", { name: "New property" }).fill("costCentre");
      await page.keyboard.press("Enter");
      const panel = page.getByRole("complementary", { name: "Property costCentre" });
      await panel.getByRole("combobox", { name: "Add a policy" }).selectOption("Maximum length");
      await panel.getByRole("textbox", { name: "Characters at most" }).fill("12");
      await page.getByRole("button", { name: "Move costCentre", exact: true }).focus();
      await page.keyboard.press("ArrowUp");
      await picture(page, `type-property-${colorScheme}`);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByText("all saved")).toBeVisible();
      const { config } = await host.call("managed_type_get", { name: "user" });
      const schema = config["schema"] as { order: string[]; properties: Record<string, unknown> };
      expect(schema.order.indexOf("costCentre")).toBe(schema.order.length - 2);
      expect(schema.properties["costCentre"]).toMatchObject({ title: "Cost Centre", policies: [{ policyId: "maximum-length", params: { maxLength: 12 } }] });

      // What would hurt objects that are there is asked for with how many and which.
      await panel.getByRole("button", { name: "Close" }).click();
      await page.getByRole("button", { name: "Policies of city" }).click();
      const city = page.getByRole("complementary", { name: "Property city" });
      await city.getByRole("combobox", { name: "Add a policy" }).selectOption("Maximum length");
      await city.getByRole("textbox", { name: "Characters at most" }).fill("2");
      await page.getByRole("button", { name: "Save" }).click();
      const question = page.getByRole("dialog");
      await expect(question).toContainText(/\d+ objects/);
      await picture(page, `type-confirm-${colorScheme}`);
      await expectAccessible(page);
      await question.getByRole("button", { name: "Cancel" }).click();
      await expect(page.getByText("unsaved: 1 change")).toBeVisible();
      await page.getByRole("button", { name: "Undo", exact: true }).click();

      // A default that breaks the rules of its own property is refused, at the property.
      await page.getByRole("button", { name: "costCentre", exact: true }).click();
      await panel.getByRole("textbox", { name: "Default" }).fill("far too long for twelve");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("alert")).toContainText("Not saved: see costCentre below");
      await expect(panel.getByRole("list", { name: "Problems" })).toContainText("Not possible");
      await picture(page, `type-refused-${colorScheme}`);
      await expectAccessible(page);
    });
  });
}

test("a property is put in another place by dragging it", async ({ host, page }) => {
  await open(page, host, "/types/user");
  const rows = page.getByRole("table", { name: "Properties" }).getByRole("rowheader");
  await expect(rows.nth(2)).toBeVisible();
  const names = async () => (await rows.allInnerTexts()).map((name) => name.trim());
  const before = await names();
  const [handle, goal] = [page.getByRole("button", { name: `Move ${before[2]}`, exact: true }), page.getByRole("button", { name: `Move ${before[0]}`, exact: true })];
  const [from, to] = [await handle.boundingBox(), await goal.boundingBox()];
  if (!from || !to) throw new Error("The handles are on the screen.");
  await page.mouse.move(from.x + 8, from.y + 8);
  await page.mouse.down();
  await page.mouse.move(to.x + 8, to.y - 2, { steps: 5 });
  await page.mouse.up();
  await expect.poll(names).toEqual([before[2], before[0], before[1], ...before.slice(3)]);
  await expect(page.getByText("unsaved: 1 change")).toBeVisible();
});

test("a type of one's own is made, used and removed", async ({ host, page }) => {
  await open(page, host, "/types/new");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("device");
  await page.getByRole("textbox", { name: "Title", exact: true }).fill("Device");
  await page.getByRole("textbox", { name: "New property" }).fill("serial");
  await page.getByRole("button", { name: "Add property" }).click();
  const panel = page.getByRole("complementary", { name: "Property serial" });
  await panel.getByRole("switch", { name: "Unique" }).check();
  await panel.getByRole("button", { name: "Close" }).click();
  await page.getByRole("checkbox", { name: "serial is required" }).check();
  await expect(page.getByRole("checkbox", { name: "serial is unique" })).toBeChecked();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Device" })).toBeVisible();
  const { object } = await host.call("object_save", { kind: "device", id: null, rev: null, attributes: { serial: "A1" } });
  await page.reload();
  await expect(page.getByRole("button", { name: "Remove", exact: true })).toBeDisabled();
  await host.call("object_delete", { kind: "device", id: object.id, rev: object.rev });
  await page.reload();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove 1 type" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Managed Objects" })).toBeVisible();
  expect((await host.call("managed_types", {})).map(({ name }) => name)).not.toContain("device");
});

test("a property is protected, and its values never come back", async ({ host, page }) => {
  await open(page, host, "/types/user");
  await page.getByRole("textbox", { name: "New property" }).fill("pin");
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: "Property pin" }).getByRole("combobox", { name: "Protected" }).selectOption("encrypted with a key of the vault");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("all saved")).toBeVisible();
  const { properties } = await host.call("managed_type_get", { name: "user" });
  expect(properties.find(({ name }) => name === "pin")?.protection).toBe("seal");

  await open(page, host, "/users/new");
  for (const [field, value] of [["Username", "ann"], ["First Name", "Ann"], ["Last Name", "Lee"], ["Email Address", "ann@example.org"]] as const) await page.getByRole("textbox", { name: field }).fill(value);
  await page.getByLabel("Pin", { exact: true }).fill("4711-0815");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("group", { name: "Pin" })).toContainText("set on");
  expect(await page.content()).not.toContain("4711-0815");

  // One that a mapping uses cannot become one that nobody may read.
  const { inbound } = await sample(host);
  await open(page, host, "/types/user?property=city");
  await page.getByRole("complementary", { name: "Property city" }).getByRole("combobox", { name: "Protected" }).selectOption("hashed, for good");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("complementary", { name: "Property city" })).toContainText(inbound);
});
