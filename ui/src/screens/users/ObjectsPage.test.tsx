import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";

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
  await user.selectOptions(within(dialog).getByRole("combobox", { name: "Status" }), "active");
  await user.click(within(dialog).getByRole("button", { name: /^Change/ }));
  expect((await screen.findByRole("list", { name: "Refused" })).textContent).toContain("Ann Lee: a policy says no");
  expect(bar.textContent).toContain("1 user selected");
});
