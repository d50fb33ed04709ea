import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { UserDetail } from "../../backend/bindings/UserDetail";
import { openWindow } from "../../testing/window";

test("a refused save shows every policy at its field and keeps what was typed", async () => {
  const user = userEvent.setup();
  openWindow("/users/new");
  const mail = await screen.findByRole("textbox", { name: "Email Address" });
  await user.type(mail, "nobody");
  await user.click(screen.getByRole("button", { name: "Save" }));

  await waitFor(() => expect(mail.getAttribute("aria-invalid")).toBe("true"));
  const described = mail.getAttribute("aria-describedby")?.split(" ").map((id) => document.getElementById(id)?.textContent).join(" ");
  expect(described).toContain("not an e-mail address");
  expect(screen.getByRole("textbox", { name: "Last Name" }).getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByRole("textbox", { name: "City" }).getAttribute("aria-invalid")).toBeNull();
  expect((mail as HTMLInputElement).value).toBe("nobody");
  expect(screen.getByRole("alert").textContent).toContain("Not saved");
});

test("a save sends only what changed, an emptied attribute as null, with the revision it is based on", async () => {
  const user = userEvent.setup();
  const saves: unknown[] = [];
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "user_save") saves.push(request);
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const city = await screen.findByRole("textbox", { name: "City" });
  await user.clear(city);
  await user.type(city, "Bergen");
  await user.clear(screen.getByRole("textbox", { name: "Telephone Number" }));
  expect(screen.getByText("unsaved: 2 changes")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");

  expect(saves).toMatchObject([{ rev: "1", attributes: { city: "Bergen", telephoneNumber: null } }]);
  expect(Object.keys((saves[0] as { attributes: object }).attributes)).toHaveLength(2);
  const delivery = await screen.findByRole("list", { name: "Delivery per target" });
  expect(within(delivery).getByText("failed")).toBeTruthy();
});

test("leaving with unsaved changes asks first", async () => {
  const user = userEvent.setup();
  openWindow("/users/new");
  await user.type(await screen.findByRole("textbox", { name: "First Name" }), "Ann");
  await user.click(screen.getByRole("link", { name: "Queue" }));
  const dialog = await screen.findByRole("dialog");
  expect(dialog.textContent).toContain("Leave without saving 1 change?");
  await user.click(within(dialog).getByRole("button", { name: "Keep" }));
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("New user");
});

test("the status is one of two, and another one that a user has stays possible", async () => {
  const user = userEvent.setup();
  const saves: unknown[] = [];
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "user_save") saves.push(request);
    const answer = await inner(name, request);
    if (name === "user_get") (answer as UserDetail).user.attributes["accountStatus"] = "suspended";
    return answer;
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const status = await screen.findByRole("combobox", { name: "Status" });
  expect([...status.querySelectorAll("option")].map((option) => option.textContent)).toEqual(["suspended", "active", "inactive"]);
  await user.selectOptions(status, "inactive");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
  expect(saves).toMatchObject([{ attributes: { accountStatus: "inactive" } }]);
});

test("the way back from a user leads to the search that found it", async () => {
  const user = userEvent.setup();
  openWindow("/users?q=user0002");
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  await screen.findByRole("textbox", { name: "City" });
  await user.click(within(screen.getByRole("main")).getByRole("link", { name: "User" }));
  const search = await screen.findByRole("searchbox", { name: "Search users" });
  expect((search as HTMLInputElement).value).toBe("user0002");
  expect(screen.getByText("1 user found")).toBeTruthy();
});
