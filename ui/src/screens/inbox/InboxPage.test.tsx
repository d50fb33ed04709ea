import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { InboxPage } from "../../backend/bindings/InboxPage";
import { openWindow } from "../../testing/window";

/** One question about a user whose contact belongs to another user. */
function openTaken(ownerGone: boolean) {
  openWindow("/inbox", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name !== "inbox_list") return answer;
    const question = (answer as InboxPage).questions[2];
    return { ...(answer as InboxPage), questions: [{ ...question, mapping: "managedUser_systemHubspotContact", detail: { owner: "user-7", ownerGone }, targets: ["207"], target: "207" }] };
  });
}

test("a record that belongs to another one is not offered: the way leads to who has it, and to the links", async () => {
  openTaken(false);
  const taken = await question("Elif Kaya");
  expect(taken.getByText("Taken")).toBeTruthy();
  expect(taken.getByText(/nothing else can be linked to it/)).toBeTruthy();
  expect(taken.queryByRole("radio")).toBeNull();
  expect(taken.queryByRole("button", { name: /^(Link|Create)/ })).toBeNull();
  expect(taken.getByRole("button", { name: "Dismiss" })).toBeTruthy();
  expect(taken.getByRole("button", { name: "Look at the links: Elif Kaya" })).toBeTruthy();
  await userEvent.setup().click(await taken.findByRole("button", { name: /^Open / }));
  await waitFor(() => expect(screen.queryByRole("heading", { level: 1, name: "Inbox" })).toBeNull());
  expect(within(screen.getByRole("navigation")).getByRole("link", { name: "User", current: "page" })).toBeTruthy();
});

test("a record whose owner is gone can be linked", async () => {
  openTaken(true);
  const free = await question("Elif Kaya");
  expect(free.getByText("Its owner is gone")).toBeTruthy();
  expect(free.getByRole("radio")).toBeTruthy();
  expect(free.getByRole("button", { name: "Link to the chosen one" })).toBeTruthy();
  expect(free.queryByRole("button", { name: /^Create/ })).toBeNull();
});

function openInbox() {
  const answers: unknown[] = [];
  openWindow("/inbox", (inner) => async (name, request) => {
    if (name === "inbox_answer") answers.push(request);
    return inner(name, request);
  });
  return answers;
}

const question = async (name: string) => within(await screen.findByRole("listitem", { name }));

test("of several records one is chosen before anything is linked", async () => {
  const user = userEvent.setup();
  const answers = openInbox();
  const bo = await question("Bo Ek");
  const link = bo.getByRole("button", { name: "Link to the chosen one" }) as HTMLButtonElement;
  expect(link.disabled).toBe(true);
  await user.click((bo.getAllByRole("radio") as [HTMLElement])[0]);
  await user.click(link);
  await waitFor(() => expect(screen.queryByRole("listitem", { name: "Bo Ek" })).toBeNull());
  expect(answers).toMatchObject([{ id: "q-1", choice: "link", target: expect.stringContaining("-") as string }]);
});

test("a conflict is answered for all attributes or for one", async () => {
  const user = userEvent.setup();
  const answers = openInbox();
  const ann = await question("Ann Lee");
  expect(ann.getByRole("row", { name: /sn Li Lee/ })).toBeTruthy();
  await user.click(ann.getByRole("button", { name: "Keep city of User" }));
  await waitFor(() => expect(answers).toEqual([{ id: "q-2", choice: "target", target: null, attribute: "city" }]));
});

test("the sidebar says how many questions wait", async () => {
  openInbox();
  const link = await screen.findByRole("link", { name: /^Inbox/ });
  await waitFor(() => expect(document.getElementById(link.getAttribute("aria-describedby") ?? "")?.textContent).toBe("3 waiting"));
});
