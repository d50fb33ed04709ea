import { expect, open, sample, test } from "../support/test";

test("the order of sync changes by keyboard and by dragging, and stays", async ({ host, page }) => {
  const { inbound, outbound } = await sample(host);
  await open(page, host, "/mappings");
  const names = async () => (await host.call("mappings_list", {})).map(({ name }) => name);
  expect(await names()).toEqual([inbound, outbound]);
  const handle = (name: string) => page.getByRole("button", { name: new RegExp(`^Move ${name},`) });

  await handle(inbound).focus();
  await page.keyboard.press("ArrowDown");
  await expect.poll(names).toEqual([outbound, inbound]);
  await expect(handle(inbound)).toBeFocused();
  await expect(page.getByRole("status").filter({ hasText: `${inbound} is number 2 of 2` })).toBeVisible();

  const from = await handle(inbound).boundingBox();
  const to = await handle(outbound).boundingBox();
  if (!from || !to) throw new Error("The handles are not there.");
  await page.mouse.move(from.x + 8, from.y + 8);
  await page.mouse.down();
  await page.mouse.move(to.x + 8, to.y - 10, { steps: 6 });
  await page.mouse.up();
  await expect.poll(names).toEqual([inbound, outbound]);
  await page.reload();
  await expect(page.getByRole("list", { name: /^Mappings/ }).getByRole("listitem").first()).toContainText(inbound);
});

test("a mapping is made from two resources, swapped and linked, without a pointer", async ({ host, page }) => {
  const { inbound, outbound } = await sample(host);
  await host.call("mapping_remove", { name: outbound });
  await open(page, host, "/mappings/new");
  const source = page.getByRole("combobox", { name: "Source" });
  await source.focus();
  await page.keyboard.type("HubSpot (sandbox) contact");
  await page.getByRole("combobox", { name: "Target" }).focus();
  await page.keyboard.type("User");
  await expect(page.getByRole("radio", { name: /^Attributes that match/ })).toBeChecked();
  await expect(page.getByRole("list", { name: "Properties of the first draft" })).toContainText("lastname");

  await page.getByRole("button", { name: "Swap source and target" }).focus();
  await page.keyboard.press("Enter");
  await expect(source).toHaveValue("managed/user");
  await expect(page.getByRole("combobox", { name: "Linked mapping" })).toHaveValue(inbound);
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue(outbound);
  await page.getByRole("button", { name: "Save", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: outbound })).toBeVisible();
  const { config, summary } = await host.call("mapping_get", { name: outbound });
  expect(summary.links).toBe(inbound);
  expect(config["properties"]).toContainEqual({ source: "sn", target: "lastname" });
  expect(config["correlationQuery"]).toMatchObject([{ expressionTree: { all: ["email"] } }]);
});

test("a mapping can still be pasted as a document, and one that stands in the way is named", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await open(page, host, "/mappings/new");
  await page.getByRole("radio", { name: "From a document" }).check();
  const { config } = await host.call("mapping_get", { name: inbound });
  await page.getByRole("textbox", { name: "Mapping document" }).fill(JSON.stringify(config));
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText(/exists already/)).toBeVisible();
  await page.getByRole("textbox", { name: "Mapping document" }).fill(JSON.stringify({ ...config, name: "another" }));
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "another" })).toBeVisible();
});
