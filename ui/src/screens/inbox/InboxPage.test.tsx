import { cleanup, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { InboxPage } from "../../backend/bindings/InboxPage";
import type { InboxQuestion } from "../../backend/bindings/InboxQuestion";
import { openWindow } from "../../testing/window";

/** One question about a user of a pair of mappings; gives what it is answered. */
function openOne(part: Partial<InboxQuestion>) {
  const answers: unknown[] = [];
  openWindow("/inbox", (inner) => async (name, request) => {
    if (name === "inbox_answer") answers.push(request);
    const answer = await inner(name, request);
    if (name !== "inbox_list") return answer;
    const { questions, ...page } = answer as InboxPage;
    return { ...page, questions: questions.slice(2).map((question) => ({ ...question, mapping: "managedUser_systemHubspotContact", targets: ["207"], target: "207", ...part })) };
  });
  return answers;
}

const openTaken = (ownerGone: boolean) => openOne({ detail: { owner: "user-7", ownerGone } });

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

test("what becomes of a record whose source is gone is asked, and deleting it once more", async () => {
  const user = userEvent.setup();
  const answers = openOne({ kind: "sourceGone", reason: "the source is gone" });
  const gone = await question("Elif Kaya");
  expect(gone.getByText("Its source is gone")).toBeTruthy();
  expect(gone.getByRole("group", { name: "The record that came of it" })).toBeTruthy();
  expect(gone.queryByRole("radio")).toBeNull();
  expect(gone.queryByRole("button", { name: /^(Link|Create)/ })).toBeNull();
  await user.click(gone.getByRole("button", { name: "Delete it too" }));
  const asks = within(await screen.findByRole("dialog", { name: "Delete Elif Kaya?" }));
  expect(answers).toEqual([]);
  await user.click(asks.getByRole("button", { name: "Delete HubSpot contact" }));
  await waitFor(() => expect(screen.queryByRole("listitem", { name: "Elif Kaya" })).toBeNull());
  expect(answers).toMatchObject([{ id: "q-3", choice: "delete" }]);
});

test("a record whose source is gone can stay, and one that is gone itself be made again", async () => {
  const user = userEvent.setup();
  const kept = openOne({ kind: "sourceGone" });
  await user.click((await question("Elif Kaya")).getByRole("button", { name: "Keep it without the link" }));
  await waitFor(() => expect(kept).toMatchObject([{ choice: "unlink" }]));
  cleanup();
  const made = openOne({ kind: "targetGone", targets: [], target: null });
  const again = await question("Elif Kaya");
  expect(again.queryByRole("group")).toBeNull();
  await user.click(again.getByRole("button", { name: "Make it again" }));
  await waitFor(() => expect(made).toMatchObject([{ choice: "create" }]));
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
