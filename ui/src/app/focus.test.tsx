import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ConnectorSummary } from "../backend/bindings/ConnectorSummary";
import { openWindow } from "../testing/window";

const title = (name: string | RegExp) => screen.findByRole("heading", { level: 1, name });
const focused = (element: Element) => waitFor(() => expect(document.activeElement).toBe(element));

test("a change of the screen leads to its title, the start does not", async () => {
  const user = userEvent.setup();
  openWindow("/users");
  await screen.findByRole("table", { name: "Users" });
  expect(document.activeElement).toBe(document.body);
  await user.click(screen.getByRole("link", { name: "Mappings" }));
  await focused(await title("Mappings"));
  await user.keyboard("{Alt>}{ArrowLeft}{/Alt}");
  await focused(await title("User"));
});

test("an opened user's name has the focus, also when the user is read later than the screen is there", async () => {
  const user = userEvent.setup();
  const door = new AbortController();
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_get" && !door.signal.aborted) await new Promise((resolve) => door.signal.addEventListener("abort", resolve));
    return inner(name, request);
  });
  const row = (await screen.findByRole("checkbox", { name: /^Select Ann Lee/ })).closest("tr");
  await user.click(within(row as HTMLElement).getByRole("rowheader"));
  await focused(await title("User"));
  door.abort();
  await focused(await title(/^Ann/));
});

test("an opened mapping's name has the focus, although its tabs are drawn twice", async () => {
  const user = userEvent.setup();
  openWindow("/mappings");
  const name = "systemHubspotContact_managedUser";
  await user.click(await screen.findByRole("button", { name: `Preview ${name}` }));
  await screen.findByRole("tab", { name: "Properties" });
  await focused(await title(name));
});

test("a title that comes late takes the focus from nothing", async () => {
  const user = userEvent.setup();
  const door = new AbortController();
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_get" && !door.signal.aborted) await new Promise((resolve) => door.signal.addEventListener("abort", resolve));
    return inner(name, request);
  });
  const row = (await screen.findByRole("checkbox", { name: /^Select Ann Lee/ })).closest("tr");
  await user.click(within(row as HTMLElement).getByRole("rowheader"));
  await focused(await title("User"));
  const link = screen.getByRole("link", { name: "Queue" });
  link.focus();
  door.abort();
  await title(/^Ann/);
  expect(document.activeElement).toBe(link);
});

test("each step of the wizard leads to the title, which says the step", async () => {
  const user = userEvent.setup();
  openWindow("/connectors/new");
  await user.click(await screen.findByRole("button", { name: "Connect Salesforce" }));
  await screen.findByRole("textbox", { name: "Login URL" });
  const heading = await title("New connector");
  await focused(heading);
  expect(document.getElementById(heading.getAttribute("aria-describedby") ?? "")?.textContent).toBe("Step 2 of 7: Keys");
});

test("a part of the new screen that takes the focus itself keeps it, and so does a field that somebody types into", async () => {
  const user = userEvent.setup();
  openWindow("/connectors", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "connectors_list") for (const connector of answer as ConnectorSummary[]) Object.assign(connector, { state: "error", trouble: "settings", message: "This address is none." });
    return answer;
  });
  await user.click((await screen.findAllByRole("button", { name: /^Correct the settings of/ }))[0] as HTMLElement);
  await title(/./);
  await waitFor(() => expect(document.activeElement?.matches("main input")).toBe(true));
  await user.click(screen.getByRole("link", { name: "User" }));
  await focused(await title("User"));
  const search = await screen.findByRole("searchbox", { name: "Search users" });
  await user.type(search, "ann");
  await screen.findByText(/found/);
  expect(document.activeElement).toBe(search);
});

test("the first stop of the window leads past the sidebar", async () => {
  const user = userEvent.setup();
  openWindow("/connectors");
  const heading = await title("Connectors");
  await user.tab();
  expect(document.activeElement?.textContent).toBe("Skip to the screen");
  await user.keyboard("{Enter}");
  expect(document.activeElement).toBe(heading);
});
