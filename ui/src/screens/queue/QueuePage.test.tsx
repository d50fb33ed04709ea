import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { InboxPage } from "../../backend/bindings/InboxPage";
import type { QueuePage } from "../../backend/bindings/QueuePage";
import type { QueueRequest } from "../../backend/bindings/QueueRequest";
import { openWindow } from "../../testing/window";

const titles = () => within(screen.getByRole("table", { name: "Queue" })).getAllByRole("rowheader").map((cell) => cell.textContent);

test("the heading counts the whole queue, and the rest of it is a button away, what failed first", async () => {
  const user = userEvent.setup();
  const asked: QueueRequest[] = [];
  openWindow("/queue", (inner) => async (name, request) => {
    if (name !== "queue_list") return inner(name, request);
    asked.push(request as QueueRequest);
    const page = (await inner(name, { ...(request as QueueRequest), limit: 2 })) as QueuePage;
    return { ...page, waiting: 3000 };
  });
  expect(await screen.findByText("3,000 changes waiting, 1 failed")).toBeTruthy();
  expect(titles()).toEqual(["Ines Oliveira", "Dmitri Ivanov"]);
  await user.click(screen.getByRole("button", { name: "More changes" }));
  await waitFor(() => expect(titles()).toEqual(["Ines Oliveira", "Dmitri Ivanov", "L\u00e9a Dubois"]));
  expect(screen.queryByRole("button", { name: "More changes" })).toBeNull();
  expect(asked[0]).toMatchObject({ after: null, limit: 100 });
});

test("an object leads to the page of its type", async () => {
  openWindow("/queue", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "queue_list") (answer as QueuePage).rows = (answer as QueuePage).rows.map((row, i) => ({ ...row, objectId: `id-${i}`, kind: i === 0 ? "role" : "user" }));
    return answer;
  });
  const links = (await screen.findAllByRole("rowheader")).map((cell) => within(cell).getByRole("link").getAttribute("href"));
  expect(links).toEqual(["/objects/role/id-0", "/users/id-1", "/users/id-2"]);
});

test("a change that is tried again leaves those that failed", async () => {
  const user = userEvent.setup();
  openWindow("/queue");
  await user.click(await screen.findByRole("button", { name: "Retry Ines Oliveira" }));
  expect(await screen.findByText("3 changes waiting, 0 failed")).toBeTruthy();
});

test.each([
  ["is about it", true],
  ["is about another one", false],
])("a change leads to the inbox only while a question there %s", async (_, asked) => {
  let object = "";
  openWindow("/queue", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "queue_list") (answer as QueuePage).rows = (answer as QueuePage).rows.filter(({ state }) => state === "failed").map((row) => ({ ...row, objectId: (object = row.objectId), fix: { kind: "linkByHand" } }));
    if (name === "inbox_list") (answer as InboxPage).questions = (answer as InboxPage).questions.map((question) => ({ ...question, source: asked ? object : "another" }));
    return answer;
  });
  expect(await screen.findByText(asked ? /^Choose the right record in the inbox/ : /^The inbox asks nothing about it\. Retry it/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Decide in the inbox: Ines Oliveira" }) !== null).toBe(asked);
  expect(screen.getByRole("button", { name: "Retry Ines Oliveira" })).toBeTruthy();
});

test("a change that a revoked key keeps waiting offers to enter it again", async () => {
  openWindow("/queue", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "queue_list") {
      const page = answer as QueuePage;
      page.rows = page.rows.filter(({ state, attempts }) => state === "waiting" && attempts > 0).map((row) => ({ ...row, message: "hubspot: HubSpot does not accept the token: it was revoked", fix: null, trouble: "authorize" }));
    }
    return answer;
  });
  const row = within((await screen.findByRole("link", { name: "Dmitri Ivanov" })).closest("tr") as HTMLElement);
  expect(await row.findByRole("button", { name: /^(Enter the key of|Authorize) hubspot again$/ })).toBeTruthy();
});

test("what waits for a person is not said to be tried by itself", async () => {
  openWindow("/queue");
  expect(await screen.findByText(/One that waits is tried again by itself; one that failed waits for you/)).toBeTruthy();
  const link = screen.getByRole("link", { name: /^Queue/ });
  await waitFor(() => expect(document.getElementById(link.getAttribute("aria-describedby") ?? "")?.textContent).toBe("3 not delivered yet"));
});
