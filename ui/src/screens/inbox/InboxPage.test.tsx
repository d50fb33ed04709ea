import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { openWindow } from "../../testing/window";

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
