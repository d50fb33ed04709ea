import { expect, expectAccessible, open, picture, test } from "../support/test";

const SITE = {
  name: "site",
  schema: {
    title: "Site",
    type: "object",
    order: ["name", "address", "phones", "floors", "contacts"],
    required: ["name"],
    properties: {
      name: { type: "string", title: "Name", searchable: true },
      address: { type: "object", title: "Address", order: ["street", "zip", "open"], properties: { street: { type: "string", title: "Street" }, zip: { type: "string", title: "Zip", required: true }, open: { type: "boolean", title: "Open to visitors" } } },
      phones: { type: "array", title: "Phones", items: { type: "string" } },
      floors: { type: "array", title: "Floors", items: { type: "integer" } },
      contacts: { type: "array", title: "Contacts", items: { type: "object", properties: { name: { type: "string" } } } },
    },
  },
};

test("objects and lists of a managed type are edited in its form, and refused at their field", async ({ host, page }) => {
  expect((await host.call("managed_type_save", { config: SITE, create: true, rev: null, confirmed: true })).saved).toBe(true);
  await open(page, host, "/objects/site/new");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Harbour");
  const address = page.getByRole("group", { name: "Address" });
  await address.getByRole("textbox", { name: "Street" }).fill("Quay 1");
  await address.getByRole("switch", { name: "Open to visitors" }).click();

  // By keyboard: a value is added, and the place to type is where the focus is.
  const phones = page.getByRole("group", { name: "Phones" });
  for (const number of ["one", "two", "three"]) {
    await phones.getByRole("button", { name: "Add a value to Phones" }).press("Enter");
    await page.keyboard.type(number);
  }
  await phones.getByRole("button", { name: "Move up: Phones, 3 of 3" }).click();
  await phones.getByRole("button", { name: "Remove: Phones, 1 of 3" }).click();
  await page.getByRole("button", { name: "Add a value to Floors" }).click();
  await page.getByRole("textbox", { name: "Floors, 1 of 1" }).fill("1x");
  await page.getByRole("textbox", { name: "Contacts" }).fill("[{");
  await expect(page.getByText("This is no JSON yet")).toBeVisible();

  // What the address lacks is said at its field; what is no number and no list, at theirs.
  await page.getByRole("button", { name: "Save" }).click();
  await expect(address.getByRole("textbox", { name: "Zip" })).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("group", { name: "Floors" })).toContainText(/integer|number/i);
  await expect(page.getByRole("textbox", { name: "Contacts" })).toHaveAttribute("aria-invalid", "true");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `nested-refused-${colorScheme}`);
    await expectAccessible(page);
  }

  await address.getByRole("textbox", { name: "Zip" }).fill("5003");
  await page.getByRole("textbox", { name: "Floors, 1 of 1" }).fill("12");
  await page.getByRole("textbox", { name: "Contacts" }).fill('[{"name": "Ann"}]');
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Harbour" })).toBeVisible();
  const { objects } = await host.call("objects_list", { kind: "site", search: null, filter: null, sort: null, after: null, limit: 5, exactTotal: true });
  expect(objects[0]?.attributes).toMatchObject({ name: "Harbour", address: { street: "Quay 1", zip: "5003", open: true }, phones: ["three", "two"], floors: [12], contacts: [{ name: "Ann" }] });

  // An emptied part leaves its group; the others stay.
  await address.getByRole("textbox", { name: "Street" }).fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("all saved")).toBeVisible();
  const after = await host.call("object_get", { kind: "site", id: objects[0]?.id ?? "" });
  expect(after.object.attributes["address"]).toEqual({ zip: "5003", open: true });
});
