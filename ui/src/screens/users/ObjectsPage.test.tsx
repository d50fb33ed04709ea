import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ManagedTypeDetail } from "../../backend/bindings/ManagedTypeDetail";
import { openWindow } from "../../testing/window";

/** The name of what has the keyboard. */
const focused = () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.closest("label")?.textContent;

test("what is picked is counted, and a delete says what it does elsewhere before it is one", async () => {
  const user = userEvent.setup();
  const deleted: unknown[] = [];
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "objects_delete") deleted.push(request);
    return inner(name, request);
  });
  await user.click(await screen.findByRole("checkbox", { name: /^Select Ann Lee/ }));
  const bar = screen.getByRole("group", { name: "Selected" });
  expect(bar.textContent).toContain("1 user selected");
  await user.click(within(bar).getByRole("button", { name: "Delete" }));
  const dialog = await screen.findByRole("dialog", { name: "Delete 1 user?" });
  expect((await within(dialog).findByRole("list", { name: "What happens elsewhere" })).textContent).toContain("1 record will be deleted there");
  expect(deleted).toEqual([]);
  await user.click(within(dialog).getByRole("button", { name: "Delete 1 user" }));
  await waitFor(() => expect(screen.queryByRole("group", { name: "Selected" })).toBeNull());
  expect(deleted).toHaveLength(1);
});

test("a status is set for all that are picked, and those that refuse it stay picked with their reason", async () => {
  const user = userEvent.setup();
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "objects_change") {
      const { ids } = request as { ids: string[] };
      return { done: ids.length - 1, refused: [{ id: ids[0], title: "Ann Lee", message: "a policy says no" }] };
    }
    return inner(name, request);
  });
  await user.click(await screen.findByRole("checkbox", { name: "Select all rows" }));
  const bar = screen.getByRole("group", { name: "Selected" });
  await user.click(within(bar).getByRole("button", { name: "Set attribute" }));
  const dialog = await screen.findByRole("dialog", { name: /^Set an attribute of/ });
  const change = within(dialog).getByRole("button", { name: /^Change/ }) as HTMLButtonElement;
  expect(change.disabled).toBe(true);
  expect([...within(dialog).getByRole("combobox", { name: "Attribute" }).querySelectorAll("option")].map(({ value }) => value)).not.toContain("Username");
  await user.selectOptions(within(dialog).getByRole("combobox", { name: "Status" }), "active");
  await user.click(within(dialog).getByRole("button", { name: /^Change/ }));
  expect((await screen.findByRole("list", { name: "Refused" })).textContent).toContain("Ann Lee: a policy says no");
  expect(bar.textContent).toContain("1 user selected");
});

test("the keyboard stays with a column that is shown, moved and taken away", async () => {
  const user = userEvent.setup();
  openWindow("/users");
  await user.click(await screen.findByRole("button", { name: "Columns" }));
  const dialog = await screen.findByRole("dialog", { name: "Columns" });
  const others = within(within(dialog).getByRole("list", { name: "Not shown" })).getAllByRole("checkbox");
  const title = others[0]?.closest("label")?.querySelector("bdi")?.textContent ?? "";
  others[0]?.focus();
  await user.keyboard(" ");
  const shown = within(dialog).getByRole("list", { name: "Shown" });
  expect(within(shown).getByText(title)).toBeTruthy();
  expect(focused()).toBe(title);

  const first = within(shown).getAllByRole("listitem")[0]?.querySelector("bdi")?.textContent ?? "";
  const steps = within(shown).getAllByRole("listitem").length - 1;
  within(shown)
    .getByRole("button", { name: `${first} further right` })
    .focus();
  for (let step = 1; step < steps; step += 1) {
    await user.keyboard("{Enter}");
    expect(focused()).toBe(`${first} further right`);
  }
  // At the end there is no further right: the row keeps the focus.
  await user.keyboard("{Enter}");
  expect(focused()).toBe(first);
  await user.keyboard(" ");
  expect(within(within(dialog).getByRole("list", { name: "Not shown" })).getByText(first)).toBeTruthy();
  expect(focused()).toContain(first);
  await user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "Columns" })).toBeNull());
});

test("the number of the rows that still stand is not told as that of what is looked for now", async () => {
  const user = userEvent.setup();
  let answer: (() => void) | undefined;
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "objects_glance" && (request as { search: string | null }).search === "ann") await new Promise<void>((resolve) => (answer = resolve));
    return inner(name, request);
  });
  await screen.findByRole("checkbox", { name: /^Select Ann Lee/ });
  const said: string[] = [];
  const told = screen.getAllByRole("status").find(({ textContent }) => textContent.endsWith(" users"));
  const watch = new MutationObserver(() => said.push(told?.textContent ?? ""));
  watch.observe(told as Node, { childList: true, characterData: true, subtree: true });
  await user.type(screen.getByRole("searchbox", { name: "Search users" }), "ann");
  await waitFor(() => expect(answer).toBeTruthy());
  answer?.();
  await waitFor(() => expect(told?.textContent).toMatch(/^\d+ users? found$/));
  await waitFor(() => expect(said.length).toBeGreaterThan(0));
  watch.disconnect();
  expect(said.every((words) => !words.startsWith("1,2"))).toBe(true);
});

test("whoever has picked more than can be picked at once is not offered fewer", async () => {
  const user = userEvent.setup();
  const many = Array.from({ length: 10_100 }, (_, n) => ({ id: `u${n}`, rev: "1", attributes: { userName: `u${n}` } }));
  openWindow("/users", (inner) => async (name, request) => {
    if (name === "objects_glance") return { objects: many, next: "more", total: 10_000, totalIsLeast: true, scanned: false };
    const answer = await inner(name, request);
    if (name !== "managed_type_get") return answer;
    const type = answer as ManagedTypeDetail;
    return { ...type, summary: { ...type.summary, objects: 95_987 } };
  });
  await user.click(await screen.findByRole("checkbox", { name: "Select all rows" }));
  const bar = screen.getByRole("group", { name: "Selected" });
  expect(bar.textContent).toContain("10,100 users selected");
  expect(within(bar).queryByRole("button", { name: /^Select/ })).toBeNull();
});
