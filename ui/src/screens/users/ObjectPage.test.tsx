import { focusManager } from "@tanstack/react-query";
import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ObjectDraft } from "../../backend/bindings/ObjectDraft";
import type { ObjectDetail } from "../../backend/bindings/ObjectDetail";
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
  // The form may be scrolled: the first field that is wrong has the focus.
  expect(document.activeElement?.getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(document.querySelector("#object-form [aria-invalid=true]"));
});

test("a save sends only what changed, an emptied attribute as null, with the revision it is based on", async () => {
  const user = userEvent.setup();
  const saves: unknown[] = [];
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_save") saves.push(request);
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
  await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("New user");
});

test("the status is one of two, and another one that a user has stays possible", async () => {
  const user = userEvent.setup();
  const saves: unknown[] = [];
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_save") saves.push(request);
    const answer = await inner(name, request);
    if (name === "object_get") (answer as ObjectDetail).object.attributes["accountStatus"] = "suspended";
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

test("a password goes in and never comes out, and every policy that it breaks is told", async () => {
  const user = userEvent.setup();
  const saves: unknown[] = [];
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_save") saves.push(request);
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const stored = await screen.findByRole("group", { name: "Password" });
  expect(stored.textContent).toContain("set on");
  await user.click(within(stored).getByRole("button", { name: "Replace Password" }));
  const field = screen.getByLabelText("Password") as HTMLInputElement;
  expect([field.type, field.value]).toEqual(["password", ""]);
  await user.type(field, "short");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("true"));
  expect(screen.getByText("Password needs at least 8 characters.")).toBeTruthy();
  expect(screen.getByText("Password needs 1 digit or more.")).toBeTruthy();
  await user.clear(field);
  expect(screen.getByText("all saved")).toBeTruthy();
  await user.type(field, "long enough 1");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
  expect(saves.at(-1)).toMatchObject({ kind: "user", rev: "1", attributes: { password: "long enough 1" } });
});

test("what somebody else saved meanwhile is told, and what was typed survives the reload", async () => {
  const user = userEvent.setup();
  let stale = true;
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_save" && stale) return inner(name, { ...(request as object), rev: "0" });
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const city = await screen.findByRole("textbox", { name: "City" });
  await user.clear(city);
  await user.type(city, "Bergen");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain("changed meanwhile");
  stale = false;
  await user.click(screen.getByRole("button", { name: "Reload" }));
  expect((screen.getByRole("textbox", { name: "City" }) as HTMLInputElement).value).toBe("Bergen");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
});

/** The window is left and comes back: what is on screen is asked again. */
function comeBack() {
  act(() => {
    focusManager.setFocused(false);
    focusManager.setFocused(true);
  });
}

const valueOf = (name: string) => (screen.getByRole("textbox", { name }) as HTMLInputElement).value;

test("what somebody else saves after the first edit is not overwritten, however often it is read meanwhile", async () => {
  const user = userEvent.setup();
  const saves: ObjectDraft[] = [];
  const others: { save?: () => Promise<unknown> } = {};
  let reads = 0;
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_save") saves.push(request as ObjectDraft);
    if (name === "object_get") {
      reads += 1;
      const { kind, id } = request as { kind: string; id: string };
      others.save = () => inner("object_save", { kind, id, rev: null, attributes: { city: "Theirs", sn: "Theirs" } });
    }
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const city = await screen.findByRole("textbox", { name: "City" });
  const family = valueOf("Last Name");
  await user.clear(city);
  await user.type(city, "Bergen");
  await others.save?.();
  const before = reads;
  comeBack();
  await waitFor(() => expect(reads).toBeGreaterThan(before));
  expect([valueOf("City"), valueOf("Last Name")]).toEqual(["Bergen", family]);
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain("changed meanwhile");
  await user.click(screen.getByRole("button", { name: "Reload" }));
  await waitFor(() => expect([valueOf("City"), valueOf("Last Name")]).toEqual(["Bergen", "Theirs"]));
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
  expect(saves.map(({ rev, attributes }) => [rev, attributes])).toEqual([["1", { city: "Bergen" }], ["2", { city: "Bergen" }]]);
});

test("what both sides changed is shown as the other one stored it, and one press takes it", async () => {
  const user = userEvent.setup();
  const saves: ObjectDraft[] = [];
  const others: { save?: () => Promise<unknown> } = {};
  const asked: string[] = [];
  openWindow("/users", (inner) => async (name, request) => {
    asked.push(name);
    if (name === "object_save") saves.push(request as ObjectDraft);
    if (name === "object_get") {
      const { kind, id } = request as { kind: string; id: string };
      others.save = () => inner("object_save", { kind, id, rev: null, attributes: { city: "Theirs", telephoneNumber: null, sn: "Other" } });
    }
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  for (const [name, text] of [["City", "Bergen"], ["Telephone Number", "1"], ["First Name", "Bo"]] as const) {
    await user.clear(await screen.findByRole("textbox", { name }));
    await user.type(screen.getByRole("textbox", { name }), text);
  }
  await others.save?.();
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText(/changed meanwhile/);
  asked.length = 0;
  await user.click(screen.getByRole("button", { name: "Reload" }));

  const city = await screen.findByRole("group", { name: "City, stored meanwhile" });
  expect(city.textContent).toContain("Theirs");
  expect(screen.getByRole("group", { name: "Telephone Number, stored meanwhile" }).textContent).toContain("nothing");
  expect(screen.queryByRole("group", { name: "First Name, stored meanwhile" })).toBeNull();
  expect(screen.getByRole("alert").textContent).toContain("Telephone Number, City were changed elsewhere too");
  expect([valueOf("City"), valueOf("Telephone Number"), valueOf("First Name"), valueOf("Last Name")]).toEqual(["Bergen", "1", "Bo", "Other"]);
  expect(asked).toEqual(expect.arrayContaining(["object_get", "object_history", "mapping_try"]));

  await user.click(within(city).getByRole("button", { name: "Take the stored City" }));
  expect(valueOf("City")).toBe("Theirs");
  expect(screen.queryByRole("group", { name: "City, stored meanwhile" })).toBeNull();
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
  expect(saves.at(-1)?.attributes).toEqual({ telephoneNumber: "1", givenName: "Bo" });
  expect(screen.queryByRole("group", { name: "Telephone Number, stored meanwhile" })).toBeNull();
});

test("an object that is deleted while it is edited says so once, with the way back, and cannot be saved or deleted", async () => {
  const user = userEvent.setup();
  let there = true;
  openWindow("/users", (inner) => async (name, request) => {
    if (!there && name === "object_save") throw { code: "stale", message: "user `1` has changed meanwhile (it is not there, revision 1 expected)" };
    if (!there && name === "object_get") throw { code: "notFound", message: "there is no user 1" };
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  await user.type(await screen.findByRole("textbox", { name: "City" }), "x");
  there = false;
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain("deleted meanwhile");
  comeBack();
  await waitFor(() => expect(screen.getAllByRole("alert")).toHaveLength(1));
  expect(screen.queryByRole("button", { name: "Reload" })).toBeNull();
  for (const name of ["Save", "Delete"]) expect(screen.getByRole("button", { name }).matches(":disabled, [aria-disabled=true]")).toBe(true);
  await user.click(screen.getByRole("button", { name: "Back to the list" }));
  expect(await screen.findByRole("searchbox", { name: "Search users" })).toBeTruthy();
});

test("an edit that is taken back lets the form follow again what is stored", async () => {
  const user = userEvent.setup();
  const others: { save?: () => Promise<unknown> } = {};
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "object_get") {
      const { kind, id } = request as { kind: string; id: string };
      others.save = () => inner("object_save", { kind, id, rev: null, attributes: { sn: "Theirs" } });
    }
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const city = await screen.findByRole("textbox", { name: "City" });
  await user.type(city, "x{Backspace}");
  expect(screen.getByText("all saved")).toBeTruthy();
  await others.save?.();
  comeBack();
  await waitFor(() => expect(valueOf("Last Name")).toBe("Theirs"));
});

/** A backend whose saves wait until they are let through. */
function slowSaves() {
  const saves: ObjectDraft[] = [];
  let release: (() => void) | undefined;
  const around = (inner: (name: string, request: unknown) => Promise<unknown>) => async (name: string, request: unknown) => {
    if (name === "object_save") {
      saves.push(request as ObjectDraft);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
    return inner(name, request);
  };
  return { saves, around, letThrough: () => release?.() };
}

test("what is typed while a save is under way is kept, on what that save made", async () => {
  const user = userEvent.setup();
  const { saves, around, letThrough } = slowSaves();
  openWindow("/users", around);
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const city = await screen.findByRole("textbox", { name: "City" });
  const stored = valueOf("City");
  await user.clear(city);
  await user.type(city, "Bergen");
  const family = screen.getByRole("textbox", { name: "Last Name" });
  await user.clear(family);
  await user.type(family, "Ek");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(saves).toHaveLength(1));
  const given = screen.getByRole("textbox", { name: "First Name" });
  await user.clear(given);
  await user.type(given, "Bo");
  // Back to what it was before: not a change when it was typed, but one of what the save makes.
  await user.clear(city);
  await user.type(city, stored);
  letThrough();
  await screen.findByText("unsaved: 2 changes");
  expect([valueOf("First Name"), valueOf("City"), valueOf("Last Name")]).toEqual(["Bo", stored, "Ek"]);
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(saves).toHaveLength(2));
  letThrough();
  await screen.findByText("all saved");
  expect(saves[1]).toMatchObject({ rev: "2" });
  expect(saves[1]?.attributes).toEqual({ givenName: "Bo", city: stored });
});

test("a save does not wait for the linked systems to be read again", async () => {
  const user = userEvent.setup();
  let tried = 0;
  openWindow("/users", (inner) => async (name, request) => {
    // The first look is through; the one after the save is never answered.
    if (name === "mapping_try" && tried++ > 0) return new Promise(() => {});
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  await waitFor(() => expect(tried).toBe(1));
  await user.type(await screen.findByRole("textbox", { name: "City" }), "x");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(tried).toBe(2));
  expect(await screen.findByText("all saved")).toBeTruthy();
  expect((screen.getByRole("button", { name: /^Save/ }) as HTMLButtonElement).getAttribute("aria-busy")).toBeNull();
  expect(screen.getByText(/was saved$/)).toBeTruthy();
});

test("what is typed while a new user is saved goes to that user", async () => {
  const user = userEvent.setup();
  const { saves, around, letThrough } = slowSaves();
  openWindow("/users/new", around);
  for (const [name, value] of [["Username", "annlee"], ["First Name", "Ann"], ["Last Name", "Lee"], ["Email Address", "ann@example.com"]] as const) {
    await user.type(await screen.findByRole("textbox", { name }), value);
  }
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(saves).toHaveLength(1));
  await user.type(screen.getByRole("textbox", { name: "City" }), "Oslo");
  letThrough();
  await screen.findByText("unsaved: 1 change");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(saves).toHaveLength(2));
  letThrough();
  await waitFor(() => expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Ann Lee"));
  expect(saves[1]?.id).toBeTruthy();
  expect(saves[1]?.attributes).toEqual({ city: "Oslo" });
  expect(valueOf("City")).toBe("Oslo");
});

test("the history is read for one attribute, with who and by which run", async () => {
  const user = userEvent.setup();
  openWindow("/users");
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  const table = await screen.findByRole("table", { name: "History" });
  expect(within(table).getAllByRole("rowheader").map((cell) => cell.textContent)).toEqual(["Last Name", "City"]);
  expect(within(table).getByRole("link", { name: "systemHubspotContact_managedUser" }).getAttribute("href")).toContain("/runs/run-3");
  await user.selectOptions(screen.getByRole("combobox", { name: "Attribute" }), "City");
  await waitFor(() => expect(within(screen.getByRole("table", { name: "History" })).getAllByRole("rowheader").map((cell) => cell.textContent)).toEqual(["City"]));
  await user.selectOptions(screen.getByRole("combobox", { name: "Attribute" }), "Email Address");
  expect(await screen.findByText("Email Address was never changed.")).toBeTruthy();
});

test("Ctrl+S saves nothing behind a question", async () => {
  const user = userEvent.setup();
  const { saves, around } = slowSaves();
  openWindow("/users", around);
  await user.click(await screen.findByRole("button", { name: "user0002" }));
  await user.type(await screen.findByRole("textbox", { name: "City" }), "x");
  await user.click(within(screen.getByRole("navigation", { name: "Main" })).getByRole("link", { name: "Dashboard" }));
  await screen.findByRole("dialog");
  await user.keyboard("{Control>}s{/Control}");
  expect(saves).toEqual([]);
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await user.keyboard("{Control>}s{/Control}");
  await waitFor(() => expect(saves).toHaveLength(1));
});
