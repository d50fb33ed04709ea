import { connect } from "../support/connector";
import { expect, open, picture, test } from "../support/test";

const KEY = "sandbox-service-key";

test("a connector is made, tested and used for data", async ({ host, page }) => {
  await open(page, host, "/connectors/new");
  await page.getByRole("button", { name: "Connect HubSpot" }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("crm");
  await page.getByRole("textbox", { name: "Title" }).fill("Our CRM");
  await page.getByRole("radio", { name: "Service key" }).check();
  await page.getByLabel("Access token").fill(KEY);
  const { properties } = await host.call("connector_blank", { provider: "hubspot" });
  const address = properties.find((property) => property.name === "apiBaseUrl");
  await page.getByText("Advanced", { exact: true }).click();
  await page.getByRole("textbox", { name: address?.label, exact: true }).fill(host.sandbox);
  await page.getByRole("button", { name: "Next: test" }).click();

  // The test runs by itself, and shows the person's own data.
  await expect(page.getByRole("status").filter({ hasText: /^Connected/ })).toBeVisible();
  await expect(page.getByRole("list", { name: "Checked" })).toContainText("can read contacts");
  await expect(page.getByText("tested and switched on")).toBeVisible();
  await picture(page, "connector-tested");
  await page.getByRole("button", { name: "Next: object types" }).click();
  await expect(page.getByRole("table", { name: "Object types" }).getByRole("row", { name: /^contact \d+/ })).toBeVisible();
  await page.getByRole("button", { name: "Next: your data" }).click();
  await expect(page.getByRole("table", { name: "First records of contact" }).getByRole("row")).toHaveCount(9);
  await page.getByRole("button", { name: "Next: a first mapping" }).click();
  await page.getByRole("button", { name: "Later" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "crm" })).toBeVisible();
  await expect(page.getByText("Active", { exact: true })).toBeVisible();
  await expect(page.getByText(/calls? since Concord was started|in \d+ s, at its last answer/).first()).toBeVisible();
  const { attributes } = await host.call("connector_schema", { name: "crm", objectType: "contact" });
  expect(attributes.map(({ name }) => name)).toContain("lifecyclestage");
});

test("a connector whose test fails stays switched off, and can be discarded", async ({ host, page }) => {
  await open(page, host, "/connectors/new?system=hubspot");
  await page.getByLabel("Access token").fill("not-the-key");
  await page.getByText("Advanced", { exact: true }).click();
  await page.getByRole("textbox", { name: "API address", exact: true }).fill(host.sandbox);
  await page.getByRole("button", { name: "Next: test" }).click();
  await expect(page.getByRole("alert")).toContainText(/token|key/i);
  expect((await host.call("connectors_list", {})).map(({ enabled }) => enabled)).toEqual([false]);
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.getByText("No system is connected yet.")).toBeVisible();
  expect(await host.call("connectors_list", {})).toEqual([]);
});

test("a wrong key is named as the reason, with what to do", async ({ host, page }) => {
  await connect(host, "crm", {}, { accessToken: "not-the-key" });
  await open(page, host, "/connectors/crm");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  const alert = page.getByRole("alert");
  await expect(alert).toContainText(/token|key/i);
  await expect(page.getByText("Error", { exact: true })).toBeVisible();
  await picture(page, "connector-wrong-key");
  await expect(page.locator("body")).not.toContainText("not-the-key");

  // The right one mends it.
  await page.getByRole("button", { name: "Replace Access token" }).click();
  await page.getByLabel("Access token", { exact: true }).fill(KEY);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("all saved")).toBeVisible();
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: /^Connected/ })).toBeVisible();
});

test("a host that does not answer is named", async ({ host, page }) => {
  await connect(host, "crm", { apiBaseUrl: "http://127.0.0.1:9" }, { accessToken: KEY });
  await open(page, host, "/connectors");
  await page.getByRole("button", { name: "Test crm" }).click();
  await expect(page.getByRole("alert")).toContainText("127.0.0.1");
});

test("a stored secret never comes back to the screen", async ({ host, page }) => {
  const answers: Promise<string>[] = [];
  page.on("response", (response) => {
    if (response.url().includes("/api/")) answers.push(response.text().catch(() => ""));
  });
  await connect(host, "crm", {}, { accessToken: KEY });
  await open(page, host, "/connectors/crm");
  await expect(page.getByRole("group", { name: "Access token" })).toContainText(/set/);
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: /^Connected/ })).toBeVisible();
  expect(await page.content()).not.toContain(KEY);
  const texts = await Promise.all(answers);
  expect(texts.some((text) => text.includes("clientSecret")), "the answers that could hold it were looked at").toBe(true);
  expect(texts.filter((text) => text.includes(KEY))).toEqual([]);
  expect(JSON.stringify(await host.call("connector_get", { name: "crm" }))).not.toContain(KEY);
});

test("unsaved changes are not left behind without a question", async ({ host, page }) => {
  await connect(host, "crm", {}, { accessToken: KEY });
  await open(page, host, "/connectors/crm");
  await page.getByRole("textbox", { name: "Title" }).fill("Another title");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Dashboard" }).click();
  const question = page.getByRole("dialog", { name: "Leave without saving 1 change?" });
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("textbox", { name: "Title" })).toHaveValue("Another title");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Dashboard" }).click();
  await question.getByRole("button", { name: "Drop 1 change" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Dashboard" })).toBeVisible();
  expect((await host.call("connector_get", { name: "crm" })).summary.title).toBe("crm");
});
