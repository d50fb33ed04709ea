import { expect, open, picture, reconcile, sample, test } from "../support/test";

test("a run that would lose people is held, and says what holds it", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  const { users } = await host.call("app_status", {});
  // Everybody but a few is gone from the CRM: more likely a mistake than the truth.
  const contacts = await host.contacts();
  await Promise.all(contacts.slice(5).map(({ id }) => host.archiveContact(id)));

  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Reconcile", exact: true }).click();
  await expect(page.getByText("Held", { exact: true })).toBeVisible();
  await expect(page.getByRole("alert")).toContainText(/90 ?%|source/);
  await picture(page, "held");
  expect((await host.call("app_status", {})).users).toBe(users);

  // Back to the mapping: nothing was written, and the run is on record.
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("tab", { name: "Runs" }).click();
  await expect(page.getByRole("table", { name: "Runs" })).toBeVisible();
  expect((await host.call("app_status", {})).users).toBe(users);
});

test("a change waits in the queue while the CRM is down, and arrives afterwards", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await reconcile(host, inbound);
  const contact = (await host.contacts()).find(({ properties }) => properties["email"]);
  const mail = String(contact?.properties["email"]).toLowerCase();
  const user = (await host.call("users_list", { search: mail, filter: null, sort: null, after: null, limit: 1 })).users[0];

  await host.faults([{ path: "/crm/*", times: "always", action: { answer: { status: 503 } } }]);
  await open(page, host, `/users/${user?.id}`);
  await page.getByRole("textbox", { name: "Last Name" }).fill("Patience");
  await page.getByRole("button", { name: "Save" }).click();
  // Saved here at once, whatever the CRM does.
  await expect(page.getByText("all saved")).toBeVisible();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Queue" }).click();
  const row = page.getByRole("table", { name: "Queue" }).getByRole("row").filter({ hasText: "Patience" });
  await expect(row).toContainText(/waiting|failed/);
  await picture(page, "queue-waiting");
  expect((await host.contact(String(contact?.id))).properties["lastname"]).not.toBe("Patience");

  await host.faults([]);
  await row.getByRole("button", { name: /^Retry/ }).click();
  await expect(page.getByText("Every change has reached its targets.")).toBeVisible();
  expect((await host.contact(String(contact?.id))).properties["lastname"]).toBe("Patience");
});

test("a read that is cut short changes nothing and names the reason", async ({ host, page }) => {
  const { inbound } = await sample(host);
  await host.faults([{ path: "/crm/*", times: "always", action: "truncatedJson" }]);
  await open(page, host, `/mappings/${inbound}`);
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await expect(page.getByText("Failed", { exact: true })).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("the answer ends too early");
  await picture(page, "run-failed");
  expect((await host.call("app_status", {})).users).toBe(0);
});

test("the chosen theme stays", async ({ host, page }) => {
  await open(page, host, "/settings");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.getByRole("radio", { name: "Dark" }).check();
  await expect.poll(background).not.toBe(light);
  await page.reload();
  await expect(page.getByRole("radio", { name: "Dark" })).toBeChecked();
  expect(await background()).not.toBe(light);
  await page.getByRole("radio", { name: "Light" }).check();
  await expect.poll(background).toBe(light);
});
