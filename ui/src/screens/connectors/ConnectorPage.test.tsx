import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import type { ConnectorDraft } from "../../backend/bindings/ConnectorDraft";
import { openWindow } from "../../testing/window";

test("a connector that was changed elsewhere is not overwritten, and the newer one can be loaded", async () => {
  const user = userEvent.setup();
  const saves: ConnectorDraft[] = [];
  const backend: { carry?: (name: string, request: unknown) => Promise<unknown> } = {};
  openWindow("/connectors/hubspot", (inner) => {
    backend.carry = inner;
    return async (name, request) => {
      if (name === "connector_save") saves.push(request as ConnectorDraft);
      return inner(name, request);
    };
  });
  const title = (await screen.findByRole("textbox", { name: "Title" })) as HTMLInputElement;
  await user.type(title, "!");
  const now = (await backend.carry?.("connector_get", { name: "hubspot" })) as ConnectorDetail | undefined;
  await backend.carry?.("connector_save", { create: false, config: { ...now?.config, displayName: "Theirs" }, secrets: {} });
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain("has changed meanwhile");
  expect(title.value).toBe("HubSpot!");
  await user.click(screen.getByRole("button", { name: "Drop 1 change and reload" }));
  await waitFor(() => expect(title.value).toBe("Theirs"));
  await user.type(title, "!");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
  expect(saves.map(({ rev, config }) => [rev, config["displayName"]])).toEqual([["1", "HubSpot!"], ["2", "Theirs!"]]);
});

test("a refused setting of another tab is gone to", async () => {
  const user = userEvent.setup();
  openWindow("/connectors/hubspot?tab=advanced", (inner) => async (name, request) => {
    if (name === "connector_save") throw { code: "invalid", field: "configurationProperties.permitsPerSecond", message: "Enter a whole number." };
    return inner(name, request);
  });
  await user.type(await screen.findByRole("textbox", { name: "Calls per second" }), "x");
  await user.click(screen.getByRole("tab", { name: "Details" }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  const field = await screen.findByRole("textbox", { name: "Calls per second" });
  await waitFor(() => expect(document.activeElement).toBe(field));
  expect(screen.getByText("Enter a whole number.")).toBeTruthy();
});

test("what is typed after Replace goes into the new field, and Keep leads back", async () => {
  const user = userEvent.setup();
  openWindow("/connectors/hubspot");
  await user.click(await screen.findByRole("button", { name: "Replace Access token" }));
  await user.keyboard("g u");
  expect((screen.getByLabelText("Access token") as HTMLInputElement).value).toBe("g u");
  await user.click(screen.getByRole("button", { name: "Keep the stored Access token" }));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Replace Access token" }));
});

test("an authorization that the provider did not take back is told, with what is to be done there", async () => {
  const user = userEvent.setup();
  openWindow("/connectors/hubspot", (inner) => async (name, request) => (name === "connector_remove" ? { grantKept: "it does not answer" } : inner(name, request)));
  await user.click(await screen.findByRole("button", { name: "Remove" }));
  await user.click(await screen.findByRole("button", { name: /^Remove 1 connector/ }));
  expect(await screen.findByText(/could not be given back: it does not answer\. Take the app's access away at/)).toBeTruthy();
});
