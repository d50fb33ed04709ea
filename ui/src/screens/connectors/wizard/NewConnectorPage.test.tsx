import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import type { ConnectorDraft } from "../../../backend/bindings/ConnectorDraft";
import { openWindow } from "../../../testing/window";

function watched() {
  const asked: { name: string; request: unknown }[] = [];
  return { asked, of: (name: string) => asked.filter((call) => call.name === name).map((call) => call.request), around: (inner: (name: string, request: unknown) => Promise<unknown>) => (name: string, request: unknown) => {
    asked.push({ name, request });
    return inner(name, request);
  } };
}

test("Salesforce: the login address is read-only unless Custom, and nothing is saved with gaps", async () => {
  const user = userEvent.setup();
  const calls = watched();
  openWindow("/connectors/new", calls.around);
  await user.click(await screen.findByRole("button", { name: "Connect Salesforce" }));
  const login = (await screen.findByRole("textbox", { name: "Login URL" })) as HTMLInputElement;
  expect([login.value, login.readOnly]).toEqual(["https://login.salesforce.com/services/oauth2/token", true]);
  await user.click(screen.getByRole("radio", { name: "Sandbox" }));
  expect([login.value, login.readOnly]).toEqual(["https://test.salesforce.com/services/oauth2/token", true]);
  await user.click(screen.getByRole("radio", { name: "Custom" }));
  expect([login.value, login.readOnly]).toEqual(["", false]);

  await user.click(screen.getByRole("button", { name: "Next: authorize" }));
  expect(login.getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(login);
  expect(login.getAttribute("aria-required")).toBe("true");
  expect(screen.getByRole("textbox", { name: "Consumer key" }).getAttribute("aria-invalid")).toBe("true");
  expect(calls.of("connector_save")).toEqual([]);

  await user.type(login, "https://acme.my.salesforce.com");
  await user.type(screen.getByRole("textbox", { name: "Consumer key" }), "test-key");
  await user.click(screen.getByRole("radio", { name: "Without a secret" }));
  await user.click(screen.getByRole("button", { name: "Next: authorize" }));
  expect(await screen.findByText("Not authorized yet")).toBeTruthy();
  const [saved] = calls.of("connector_save") as ConnectorDraft[];
  expect(saved?.config["enabled"]).toBe(false);
  expect(saved?.config["configurationProperties"]).toMatchObject({ loginUrl: "https://acme.my.salesforce.com", clientId: "test-key", grantType: "refresh_token" });
  expect(saved?.secrets).toEqual({});
});

test("a name that is taken is said at the field, and what belongs to no field comes into view", async () => {
  const user = userEvent.setup();
  const scrolled: Element[] = [];
  Element.prototype.scrollIntoView = function () {
    scrolled.push(this);
  };
  let broken = false;
  openWindow("/connectors/new?system=hubspot", (inner) => async (name, request) => {
    if (broken && name === "connector_save") throw { code: "storage", message: "the disk is full" };
    return inner(name, request);
  });
  const name = await screen.findByRole("textbox", { name: "Name" });
  expect(screen.getByText(/^Letters, digits, - and _;/)).toBeTruthy();
  await user.clear(name);
  await user.type(name, "hubspot");
  await user.type(screen.getByLabelText("Access token"), "test-key");
  await user.click(screen.getByRole("button", { name: "Next: test" }));
  await waitFor(() => expect(document.activeElement).toBe(name));
  expect(name.getAttribute("aria-invalid")).toBe("true");
  expect(screen.queryByRole("alert")).toBeNull();
  broken = true;
  await user.click(screen.getByRole("button", { name: "Next: test" }));
  const alert = await screen.findByRole("alert");
  expect(scrolled.some((element) => element.contains(alert))).toBe(true);
  Reflect.deleteProperty(Element.prototype, "scrollIntoView");
});

test("client credentials ask for the My Domain and go without consent", async () => {
  const user = userEvent.setup();
  openWindow("/connectors/new?system=salesforce");
  await user.click(await screen.findByRole("radio", { name: "Client credentials" }));
  const steps = within(screen.getByRole("list", { name: "Steps" }));
  expect(steps.queryByText("Authorize")).toBeNull();
  expect(screen.queryByRole("radio", { name: "Without a secret" })).toBeNull();
  await user.click(screen.getByRole("button", { name: "Next: test" }));
  expect(screen.getByText(/your My Domain only/)).toBeTruthy();
});

test.each([
  ["succeeds", true],
  ["fails", false],
])("a connector whose test %s is switched on: %s", async (_, ok) => {
  const user = userEvent.setup();
  const calls = watched();
  openWindow("/connectors/new?system=hubspot", (inner) => calls.around(async (name, request) => (name === "connector_test" && !ok ? { name: "crm", ok, error: "the key is wrong", checked: [], account: null, missingScopes: [] } : inner(name, request))));
  await user.type(await screen.findByRole("textbox", { name: "Name" }), "crm");
  await user.type(screen.getByLabelText("Access token"), "test-token-1");
  await user.click(screen.getByRole("button", { name: "Next: test" }));
  if (ok) {
    expect(await screen.findByText("tested and switched on")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Next: object types" }));
    expect(await screen.findByRole("table", { name: "Object types" })).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Next: your data" }));
    expect(await screen.findByRole("table", { name: "First records of contact" })).toBeTruthy();
    expect(calls.of("connector_enable")).toEqual([{ name: "crm", enabled: true }]);
  } else {
    expect((await screen.findByRole("alert")).textContent).toContain("The key is wrong.");
    expect(calls.of("connector_enable")).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Discard" }));
    await waitFor(() => expect(calls.of("connector_remove")).toEqual([{ name: "crm" }]));
  }
});

test("a connector that never passed its test is not left behind without a word", async () => {
  const user = userEvent.setup();
  const calls = watched();
  openWindow("/connectors/new?system=hubspot", (inner) => calls.around(async (name, request) => (name === "connector_test" ? { name: "crm", ok: false, error: "the key is wrong", checked: [], account: null, missingScopes: [] } : inner(name, request))));
  await user.type(await screen.findByRole("textbox", { name: "Name" }), "crm");
  await user.type(screen.getByLabelText("Access token"), "test-token-1");
  await user.click(screen.getByRole("button", { name: "Next: test" }));
  await screen.findByRole("alert");
  const leave = () => user.click(within(screen.getByRole("navigation", { name: "Main" })).getByRole("link", { name: "Dashboard" }));
  await leave();
  const question = await screen.findByRole("dialog");
  await user.click(within(question).getByRole("button", { name: "Stay here" }));
  expect(screen.getByRole("button", { name: "Test again" })).toBeTruthy();
  await leave();
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove it" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Dashboard" })).toBeTruthy();
  expect(calls.of("connector_remove")).toEqual([{ name: "crm" }]);
});

test("a mapping that has to be told something asks for it, from the real records, and ends on its preview", async () => {
  const user = userEvent.setup();
  const calls = watched();
  openWindow("/connectors/new", calls.around);
  await user.click(await screen.findByRole("button", { name: "Use the Salesforce sandbox" }));
  for (const step of ["Next: object types", "Next: your data", "Next: a first mapping"]) await user.click(await screen.findByRole("button", { name: step }));
  await user.click(await screen.findByRole("button", { name: "Add 2 mappings and preview" }));
  const profile = screen.getByRole("combobox", { name: "Profile" });
  expect(profile.getAttribute("aria-invalid")).toBe("true");
  await waitFor(() => expect(document.activeElement).toBe(profile));
  expect(calls.of("ready_mappings_add")).toEqual([]);
  await user.selectOptions(profile, "Profile 2");
  await user.click(screen.getByRole("button", { name: "Add 2 mappings and preview" }));
  await waitFor(() => expect(calls.of("run_start")).toMatchObject([{ mode: "preview" }]));
  expect(calls.of("ready_mappings_add")).toMatchObject([{ parameters: { ProfileId: "30100001" } }]);
});

test("a refused setting that is out of sight is opened and gets the focus, with room for what is wrong below it", async () => {
  const user = userEvent.setup();
  const scrolled: unknown[] = [];
  Element.prototype.scrollIntoView = function (how) {
    scrolled.push([this, how]);
  };
  openWindow("/connectors/new?system=hubspot", (inner) => async (name, request) => {
    if (name === "connector_save") throw { code: "invalid", field: "configurationProperties.apiBaseUrl", message: "Use an https address." };
    return inner(name, request);
  });
  await user.type(await screen.findByRole("textbox", { name: "Name" }), "crm");
  await user.type(screen.getByLabelText("Access token"), "test-token-1");
  const address = screen.getByLabelText("API address");
  expect(address.closest("details")?.open).toBe(false);
  await user.click(screen.getByRole("button", { name: "Next: test" }));
  await waitFor(() => expect(document.activeElement).toBe(address));
  expect(address.closest("details")?.open).toBe(true);
  expect(screen.getByText("Use an https address.")).toBeTruthy();
  expect(scrolled).toContainEqual([address, { block: "center" }]);
});

test("an object type that is not there is told beside its field, and nothing is saved", async () => {
  const user = userEvent.setup();
  const saved: unknown[] = [];
  openWindow("/connectors/new", (inner) => async (name, request) => {
    if (name === "connector_schema" && (request as { objectType: string }).objectType === "Nope__c") throw { code: "invalid", message: "there is no object `Nope__c`" };
    if (name === "connector_save") saved.push(request);
    const answer = await inner(name, request);
    if (name !== "connector_get" && name !== "connector_save") return answer;
    const detail = answer as ConnectorDetail;
    return { ...detail, properties: [...detail.properties, { name: "supportedObjectTypes", label: "Object types", kind: "text", choices: [], help: "", advanced: true, default: null }] };
  });
  await user.click(await screen.findByRole("button", { name: "Use the Salesforce sandbox" }));
  await user.click(await screen.findByRole("button", { name: "Next: object types" }));
  const before = saved.length;
  const field = await screen.findByRole("textbox", { name: "Others, by their API names" });
  await user.type(field, "Order__c Nope__c");
  await user.click(screen.getByRole("button", { name: "Next: your data" }));
  expect(await screen.findByText("There is no object type Nope__c, or the account that Concord uses does not see it.")).toBeTruthy();
  await waitFor(() => expect(document.activeElement).toBe(field));
  expect(saved.length).toBe(before);
  await user.clear(field);
  await user.type(field, "Order__c");
  expect(screen.queryByText(/There is no object type/)).toBeNull();
  await user.click(screen.getByRole("button", { name: "Next: your data" }));
  await waitFor(() => expect(saved.length).toBe(before + 1));
});

test("object types that were typed are not lost without a question", async () => {
  const user = userEvent.setup();
  openWindow("/connectors/new", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name !== "connector_get") return answer;
    const detail = answer as ConnectorDetail;
    return { ...detail, properties: [...detail.properties, { name: "supportedObjectTypes", label: "Object types", kind: "text", choices: [], help: "", advanced: true, default: null }] };
  });
  await user.click(await screen.findByRole("button", { name: "Use the Salesforce sandbox" }));
  await user.click(await screen.findByRole("button", { name: "Next: object types" }));
  await user.type(await screen.findByRole("textbox", { name: "Others, by their API names" }), "Order__c");
  await user.click(screen.getByRole("button", { name: "Back" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Cancel" }));
  expect((screen.getByRole("textbox", { name: "Others, by their API names" }) as HTMLInputElement).value).toBe("Order__c");
});
