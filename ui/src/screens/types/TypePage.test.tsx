import { focusManager } from "@tanstack/react-query";
import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ManagedTypeDetail } from "../../backend/bindings/ManagedTypeDetail";
import type { ManagedTypeDraft } from "../../backend/bindings/ManagedTypeDraft";
import type { ManagedTypeSaved } from "../../backend/bindings/ManagedTypeSaved";
import { openWindow } from "../../testing/window";

/** Opens the type of the users with saves watched, and answered by `answer` where it has one. */
function openUser(answer?: (draft: ManagedTypeDraft) => ManagedTypeSaved) {
  const saves: ManagedTypeDraft[] = [];
  openWindow("/types/user", (inner) => async (name, request) => {
    if (name !== "managed_type_save") return inner(name, request);
    saves.push(request as ManagedTypeDraft);
    return answer ? answer(request as ManagedTypeDraft) : inner(name, request);
  });
  return saves;
}

test("what a change brings about is asked for with its numbers, and saved once it is confirmed", async () => {
  const user = userEvent.setup();
  const saves = openUser();
  await user.click(await screen.findByRole("button", { name: "Remove city" }));
  expect(screen.getByText("unsaved: 1 change")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Save" }));
  const question = await screen.findByRole("dialog");
  expect(question.textContent).toContain("City has values");
  expect(question.textContent).toContain("1,243 objects");
  expect(question.textContent).toContain("Ann Lee, Bob Berger");
  await user.click(within(question).getByRole("button", { name: "Save with 1 consequence" }));
  await screen.findByText("all saved");
  expect(saves.map(({ confirmed, rev }) => [confirmed, rev])).toEqual([[false, "1"], [true, "1"]]);
});

test("a save goes by the revision that the edits began on, whatever is read meanwhile", async () => {
  const user = userEvent.setup();
  const saves: ManagedTypeDraft[] = [];
  let reads = 0;
  openWindow("/types/user", (inner) => async (name, request) => {
    if (name === "managed_type_save") {
      saves.push(request as ManagedTypeDraft);
      throw { code: "stale", message: "the type user has changed meanwhile; load it again and repeat the change" };
    }
    const answer = await inner(name, request);
    if (name !== "managed_type_get") return answer;
    reads += 1;
    return { ...(answer as ManagedTypeDetail), rev: String(reads) };
  });
  await user.type(await screen.findByRole("textbox", { name: "Title" }), "!");
  const before = reads;
  act(() => {
    focusManager.setFocused(false);
    focusManager.setFocused(true);
  });
  await waitFor(() => expect(reads).toBeGreaterThan(before));
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain("changed meanwhile");
  expect(saves.map(({ rev }) => rev)).toEqual([String(before)]);
  await user.click(screen.getByRole("button", { name: "Drop 1 change and reload" }));
  expect(await screen.findByText("all saved")).toBeTruthy();
});

test("a refused change is told at its property", async () => {
  const user = userEvent.setup();
  openUser(() => ({ saved: false, problems: [{ gravity: "refused", property: "city", message: "City holds texts; 3 of them are no numbers", objects: 3, examples: ["Oslo"] }], detail: null }));
  await user.selectOptions(await screen.findByRole("combobox", { name: "Type of city" }), "number");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain("Not saved: see city below");
  expect(screen.queryByRole("dialog")).toBeNull();
  const row = screen.getByRole("button", { name: "city" }).closest("tr");
  expect(row?.nextElementSibling?.textContent).toContain("City holds texts");
});

test("properties are added, moved and given policies by keyboard", async () => {
  const user = userEvent.setup();
  const saves = openUser(() => ({ saved: true, problems: [], detail: null }));
  await user.type(await screen.findByRole("textbox", { name: "New property" }), "costCentre{Enter}");
  const panel = await screen.findByRole("complementary", { name: "Property costCentre" });
  await user.selectOptions(within(panel).getByRole("combobox", { name: "Add a policy" }), "Minimum length");
  await user.type(within(panel).getByRole("textbox", { name: "Characters at least" }), "4");
  await user.click(within(panel).getByRole("button", { name: "Close" }));
  screen.getByRole("button", { name: "Move costCentre" }).focus();
  await user.keyboard("{ArrowUp}");
  expect(document.activeElement?.getAttribute("aria-label")).toBe("Move costCentre");
  await user.click(screen.getByRole("button", { name: "Save" }));
  const schema = saves[0]?.config["schema"] as { order: string[]; properties: Record<string, { policies: unknown }> };
  expect(schema.order.at(-2)).toBe("costCentre");
  expect(schema.properties["costCentre"]?.policies).toEqual([{ policyId: "minimum-length", params: { minLength: 4 } }]);
});

test("claims are brought into the type, told one by one, and saved like any other change", async () => {
  const user = userEvent.setup();
  const saves = openUser(() => ({ saved: true, problems: [], detail: null }));
  await user.click(await screen.findByRole("button", { name: "Import claims" }));
  const dialog = await screen.findByRole("dialog", { name: "Claims of WSO2 Identity Server" });
  const file = new File(['[{"claimURI": "http://wso2.org/claims/emailaddress", "readOnly": true}]'], "claims.json", { type: "application/json" });
  await user.upload(within(dialog).getByLabelText("File of claims"), file);
  expect(await within(dialog).findByDisplayValue(/emailaddress/)).toBeTruthy();
  await user.click(within(dialog).getByRole("button", { name: "Bring them in" }));
  const list = await within(dialog).findByRole("list", { name: "What became of each claim" });
  expect(list.textContent).toContain("read-only for people");
  expect(list.textContent).toContain("left out: not supported by default");
  expect(saves).toEqual([]);
  await user.click(within(dialog).getByRole("button", { name: "Close" }));
  expect(await screen.findByText("unsaved: 1 change")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Save" }));
  const schema = saves[0]?.config["schema"] as { properties: Record<string, { userEditable?: boolean }> };
  expect(schema.properties["mail"]?.userEditable).toBe(false);
});

test("a new type without a name says so at the field, and nothing is sent", async () => {
  const user = userEvent.setup();
  const saves: unknown[] = [];
  openWindow("/types/new", (inner) => async (name, request) => {
    if (name === "managed_type_save") saves.push(request);
    return inner(name, request);
  });
  const field = (await screen.findByRole("textbox", { name: "Name" })) as HTMLInputElement;
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(screen.getByText("Give the type a name.")).toBeTruthy();
  expect([field.getAttribute("aria-invalid"), document.activeElement === field]).toEqual(["true", true]);
  expect(saves).toEqual([]);
  await user.type(field, "site");
  expect(screen.queryByText("Give the type a name.")).toBeNull();
});

test("a new type under the name of another is told at the field, and asks for no consequences", async () => {
  const user = userEvent.setup();
  openWindow("/types/new", (inner) => async (name, request) => {
    if (name === "managed_type_save" && (request as ManagedTypeDraft).create) throw { code: "conflict", message: "managed type `user` exists already; choose another name", field: "name" };
    return inner(name, request);
  });
  const field = (await screen.findByRole("textbox", { name: "Name" })) as HTMLInputElement;
  await user.type(field, "user");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("Managed type \u201cuser\u201d exists already; choose another name.");
  expect([field.getAttribute("aria-invalid"), document.activeElement === field]).toEqual(["true", true]);
  expect(screen.queryByRole("dialog")).toBeNull();
  await user.type(field, "2");
  expect(screen.queryByText(/exists already/)).toBeNull();
  expect(field.getAttribute("aria-invalid")).toBeNull();
});
