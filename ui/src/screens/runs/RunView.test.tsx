import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { EntryPage } from "../../backend/bindings/EntryPage";
import type { InboxPage } from "../../backend/bindings/InboxPage";
import type { RunDetail } from "../../backend/bindings/RunDetail";
import { openWindow } from "../../testing/window";

const MAPPING = "systemHubspotContact_managedUser";

test("Preview shows progress, then what was read, and a button that names the number of changes", async () => {
  const user = userEvent.setup();
  openWindow("/mappings");
  await user.click(await screen.findByRole("button", { name: `Preview ${MAPPING}` }));

  const progress = await screen.findByRole("progressbar", { name: `Progress of ${MAPPING}` });
  expect(Number(progress.getAttribute("aria-valuenow"))).toBeGreaterThanOrEqual(0);
  expect(await screen.findByRole("button", { name: "Reconcile 112 changes" })).toBeTruthy();
  expect(screen.getByText(/read 1,258 records, 49 calls, 6 s/)).toBeTruthy();
  expect(screen.getByText(/Deletes: 4, up to 5 allowed/)).toBeTruthy();

  await user.click(await screen.findByRole("button", { name: /^Needs you 7/ }));
  await waitFor(() => expect(screen.getByText("7 records")).toBeTruthy());
  await user.click(await screen.findByRole("button", { name: "Ann Lee" }));
  const panel = screen.getByRole("complementary", { name: "Details of Ann Lee" });
  expect(within(panel).getByText("AMBIGUOUS")).toBeTruthy();
  expect(within(panel).getByText(/narrow the correlation/)).toBeTruthy();
  await user.keyboard("{Escape}");
  expect(screen.queryByRole("complementary")).toBeNull();
});

test.each([
  ["as long as it asks", true],
  ["no longer once it was answered", false],
])("a record of a run leads to the inbox %s", async (_, asked) => {
  const user = userEvent.setup();
  openWindow("/runs/run-3", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "run_entries") for (const entry of (answer as EntryPage).entries) Object.assign(entry, { title: "Ann Lee", sourceId: "101", remedy: "choose", fix: { kind: "linkByHand" } });
    if (name === "inbox_list") (answer as InboxPage).questions = (answer as InboxPage).questions.map((question) => ({ ...question, source: asked ? "101" : "another" }));
    return answer;
  });
  const [first] = await screen.findAllByRole("button", { name: "Ann Lee" });
  await user.click(first as HTMLElement);
  const panel = within(screen.getByRole("complementary", { name: "Details of Ann Lee" }));
  expect(await panel.findByText(asked ? /^Choose the right record in the inbox/ : /^The inbox no longer asks about it/)).toBeTruthy();
  expect(panel.queryByRole("button", { name: "Decide in the inbox: Ann Lee" }) !== null).toBe(asked);
});

test("the plan is carried out by its button", async () => {
  const user = userEvent.setup();
  openWindow(`/mappings/${MAPPING}`);
  await user.click(await screen.findByRole("button", { name: "Preview" }));
  await user.click(await screen.findByRole("button", { name: "Reconcile 112 changes" }));
  expect(await screen.findByText(/112 of 112 changes done/)).toBeTruthy();
});

test("a held run says why, and asks with the number before it deletes", async () => {
  const user = userEvent.setup();
  const applied: unknown[] = [];
  openWindow("/runs/run-2", (inner) => async (name, request) => {
    if (name === "run_apply") applied.push(request);
    return inner(name, request);
  });
  expect((await screen.findByRole("alert")).textContent).toContain("41 deletes are planned, 5 are allowed");
  await user.click(screen.getByRole("button", { name: "Allow 41 deletes for this run" }));
  expect(applied).toEqual([]);
  const dialog = within(await screen.findByRole("dialog"));
  expect(await dialog.findByText(/ and 38 more$/)).toBeTruthy();
  expect(await dialog.findByRole("list", { name: "What happens elsewhere" })).toBeTruthy();
  expect(dialog.getByText("Without asking, 5 are allowed in one run.")).toBeTruthy();
  await user.click(dialog.getByRole("button", { name: "Delete 41 and reconcile" }));
  await waitFor(() => expect(applied).toEqual([{ id: "run-2", allowDeletes: 41 }]));
});

const countsOf = (counts: Record<string, number>, more = 0) => Object.entries(counts).map(([name, count]) => ({ name, meaning: "", count: count + more }));

test.each([
  ["unlinks alone", { UNLINK: 6 }, "Allow 6 unlinks for this run", "Unlink 6 users?", "Unlink 6 and reconcile", 6],
  ["both", { DELETE: 4, UNLINK: 2 }, "Allow 4 deletes and 2 unlinks for this run", "Delete 4 users and unlink 2?", "Delete 4, unlink 2 and reconcile", 6],
  ["deletes, of which some are skipped", { DELETE: 7 }, "Allow 7 deletes for this run", "Delete 7 users?", "Delete 7 and reconcile", 7],
] as const)("the release counts what is planned: %s", async (_, planned, allow, title, action, allowDeletes) => {
  const user = userEvent.setup();
  const applied: unknown[] = [];
  openWindow("/runs/run-2", (inner) => async (name, request) => {
    if (name === "run_apply") applied.push(request);
    const answer = await inner(name, request);
    if (name === "run_get") Object.assign(answer as RunDetail, { planned: countsOf(planned), actions: countsOf(planned, 3) });
    return answer;
  });
  await user.click(await screen.findByRole("button", { name: allow }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByRole("heading").textContent).toBe(title);
  expect(dialog.queryByText(/count an unlink as a delete/) !== null).toBe("UNLINK" in planned);
  await user.click(dialog.getByRole("button", { name: action }));
  await waitFor(() => expect(applied).toEqual([{ id: "run-2", allowDeletes }]));
});

test("Undo plans what a run did the other way round, and only that plan's button writes", async () => {
  const user = userEvent.setup();
  const sent: [string, unknown][] = [];
  openWindow("/runs/run-4", (inner) => async (name, request) => {
    if (name === "run_undo" || name === "run_apply") sent.push([name, request]);
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "Undo" }));
  await user.click(await screen.findByRole("button", { name: "Undo 12 changes" }));
  expect(screen.getByRole("heading", { level: 1 }).textContent).toMatch(/^Undo of the run of \d/);
  expect(await screen.findByText(/12 of 12 changes done/)).toBeTruthy();
  expect(sent).toEqual([
    ["run_undo", { id: "run-4", preview: true, allowDeletes: null }],
    ["run_apply", { id: "run-5", allowDeletes: null }],
  ]);
  // Whoever comes back to the run sees that it has been taken back, and by what.
  await user.click(screen.getByRole("link", { name: "Open the undone run" }));
  expect(await screen.findByText(/^12 changes were made to take this back, just now\./)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Undo again" })).toBeTruthy();
  await user.click(screen.getByRole("link", { name: "Open the undo" }));
  expect(await screen.findByRole("heading", { level: 1, name: /^Undo of the run of/ })).toBeTruthy();

  await user.click(within(screen.getByRole("navigation")).getByRole("link", { name: "Runs" }));
  expect(await screen.findByRole("button", { name: /Undo of managedUser_systemHubspotContact/ })).toBeTruthy();
});

test("what a run changes is asked for again once it has ended, even if nobody saw it under way", async () => {
  const user = userEvent.setup();
  const asked: string[] = [];
  let done = false;
  openWindow(`/mappings/${MAPPING}`, (inner) => async (name, request) => {
    if (name === "run_apply") {
      done = true;
      return { ...((await inner("run_get", request)) as RunDetail).summary, state: "active" };
    }
    asked.push(name);
    const answer = await inner(name, request);
    if (name === "run_get" && done) {
      Object.assign((answer as RunDetail).summary, { state: "success" });
      asked.push("the run has ended");
    }
    return answer;
  });
  await user.click(await screen.findByRole("button", { name: "Preview" }));
  await user.click(await screen.findByRole("button", { name: "Reconcile 112 changes" }));
  await waitFor(() => expect(asked.slice(asked.indexOf("the run has ended"))).toContain("mapping_get"));
});

test("an undo that deletes too many is held like any other run", async () => {
  const user = userEvent.setup();
  openWindow("/runs/run-3");
  await user.click(await screen.findByRole("button", { name: "Undo" }));
  await user.click(await screen.findByRole("button", { name: "Allow 12 deletes for this run" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete 12 and undo" }));
  expect(await screen.findByText(/changes done/)).toBeTruthy();
  expect(screen.getByRole("heading", { level: 1 }).textContent).toMatch(/^Undo of the run of \d/);
});

test.each([
  ["run-1", /nothing to change/],
  ["run-2", /41 changes planned/],
])("%s has written nothing and offers no Undo", async (id, outcome) => {
  openWindow(`/runs/${id}`);
  await screen.findByText(outcome);
  expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
});

test("what failed is run again as a plan of its own", async () => {
  const user = userEvent.setup();
  const asked: unknown[] = [];
  openWindow(`/mappings/${MAPPING}`, (inner) => async (name, request) => {
    if (name === "run_unfinished") asked.push(request);
    return inner(name, request);
  });
  await user.click(await screen.findByRole("button", { name: "Preview" }));
  await user.click(await screen.findByRole("button", { name: "Reconcile 112 changes" }));
  await screen.findByText(/112 of 112 changes done/);
  await user.click(await screen.findByRole("button", { name: /^Look at \d+ records again$/ }));
  expect(await screen.findByRole("button", { name: /^Reconcile \d+ changes?$/ })).toBeTruthy();
  expect(asked).toMatchObject([{ preview: true }]);
});

test("a run that was cut off goes on with what is left", async () => {
  const user = userEvent.setup();
  const applied: unknown[] = [];
  openWindow("/runs/run-3", (inner) => async (name, request) => {
    if (name === "run_apply") applied.push(request);
    const answer = await inner(name, request);
    if (name === "run_get" && applied.length === 0) Object.assign((answer as RunDetail).summary, { state: "interrupted", mode: "reconcile", changes: 112, done: 100, failed: 2 });
    return answer;
  });
  await user.click(await screen.findByRole("button", { name: "Go on with 12 changes" }));
  await waitFor(() => expect(applied).toEqual([{ id: "run-3", allowDeletes: null }]));
});

test("an incremental run is begun beside the runs of its mapping", async () => {
  const user = userEvent.setup();
  const started: unknown[] = [];
  openWindow(`/mappings/${MAPPING}?tab=runs`, (inner) => async (name, request) => {
    if (name === "run_start") started.push(request);
    return inner(name, request);
  });
  const part = within(await screen.findByRole("region", { name: "Incremental" }));
  await user.click(part.getByRole("button", { name: "Preview changes" }));
  await waitFor(() => expect(started).toMatchObject([{ mapping: MAPPING, mode: "preview", incremental: true }]));
});

const said = () => screen.getAllByRole("status").map((status) => status.textContent);

test("what is read out of a run stays the same from look to look", async () => {
  let calls = 3;
  openWindow("/runs/run-3", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "run_get") Object.assign((answer as RunDetail).summary, { state: "active", stage: "ACTIVE_RECONCILING_SOURCE", ended: null, calls: calls++, durationMs: calls * 1000 });
    return answer;
  });
  const figures = await screen.findByText(/\b4 calls/);
  const before = said();
  await waitFor(() => expect(figures.textContent).toMatch(/\b5 calls/));
  expect(said()).toEqual(before);
  expect(before.join(" ")).not.toMatch(/calls/);
});

/** Opens a run without entries, with something else about it. */
function openRun(summary: Partial<RunDetail["summary"]>, situations: Record<string, number>) {
  openWindow("/runs/run-1", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name === "run_get") {
      Object.assign((answer as RunDetail).summary, summary);
      return { ...(answer as RunDetail), situations: countsOf(situations), actions: [] };
    }
    return answer;
  });
}

test.each(["failed", "canceled", "held"] as const)("a run that is %s before it compared anything does not say that all is well", async (state) => {
  openRun({ state, message: "The system answered 503." }, {});
  expect(await screen.findByText("No record was compared: the run stopped before that. The reason stands above.")).toBeTruthy();
  expect(screen.getByText(/no record was compared, 52 calls/)).toBeTruthy();
  expect(screen.queryByText(/unchanged|nothing to change/)).toBeNull();
});

test("a situation whose records are unchanged says that they are not listed", async () => {
  const user = userEvent.setup();
  openRun({}, { CONFIRMED: 56 });
  expect(await screen.findByText("Every record is linked and unchanged.")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "CONFIRMED 56" }));
  expect(await screen.findByText("56 records are linked and unchanged, and are not listed.")).toBeTruthy();
});

test.each([
  [0, []],
  [12, ["Reconcile 12 changes all the same"]],
] as const)("a held run that deletes nothing and plans %d changes does not ask to allow deletes", async (changes, offered) => {
  openWindow("/runs/run-2", (inner) => async (name, request) => {
    const answer = await inner(name, request);
    if (name !== "run_get") return answer;
    const detail = answer as RunDetail;
    return { ...detail, summary: { ...detail.summary, changes }, planned: countsOf({ CREATE: changes }), guards: [{ name: "shortSource", limit: "50 %", planned: "10 %", holds: true, releasable: true, message: "the source is short" }] };
  });
  await screen.findByRole("button", { name: "Discard" });
  expect(screen.getByRole("alert").textContent).toMatch(/check it first\. No delete is planned/);
  expect(screen.getByRole("button", { name: "Edit policy" })).toBeTruthy();
  expect(screen.queryAllByRole("button", { name: /^(Allow|Reconcile)/ }).map((button) => button.textContent)).toEqual(offered);
});

test("changes that were not made are found from the legend, each with why instead of what", async () => {
  const user = userEvent.setup();
  const asked: unknown[] = [];
  openWindow("/runs/run-3", (inner) => async (name, request) => {
    if (name === "run_entries") asked.push(request);
    const answer = await inner(name, request);
    if (name === "run_get") Object.assign((answer as RunDetail).summary, { state: "success", changes: 6, done: 4, failed: 0, stale: 2, needsYou: 0 });
    if (name === "run_entries" && (request as { stale: boolean }).stale) {
      const { entries } = (await inner(name, { ...(request as object), stale: false, action: "UPDATE" })) as EntryPage;
      return { entries: entries.slice(0, 2).map((entry) => ({ ...entry, status: "stale", reason: "attributes differ; not carried out: the record has changed since this was planned" })), next: null, total: 2 };
    }
    return answer;
  });
  expect(await screen.findByText("Partly done")).toBeTruthy();
  await user.click(within(screen.getByRole("list", { name: "By outcome" })).getByRole("button", { name: "not made 2" }));
  expect(await screen.findAllByText("The record has changed since this was planned.")).toHaveLength(2);
  expect(screen.getByRole("button", { name: "Not made 2" }).getAttribute("aria-pressed")).toBe("true");
  expect(asked.at(-1)).toMatchObject({ stale: true, failed: false });
  expect(screen.getAllByText("update not made")).toHaveLength(2);
  expect(screen.queryByText(/\u2192/)).toBeNull();
  expect(screen.getByRole("button", { name: "Look at 2 records again" })).toBeTruthy();
});

test("what the records of a run are filtered by is kept in the address", async () => {
  openWindow(`/runs/run-3?action=EXCEPTION&q=Ann`);
  const chip = await screen.findByRole("button", { name: /^Needs you \d/ });
  expect(chip.getAttribute("aria-pressed")).toBe("true");
  expect((screen.getByRole("searchbox", { name: "Search records" }) as HTMLInputElement).value).toBe("Ann");
  const user = userEvent.setup();
  await user.click(chip);
  await waitFor(() => expect(chip.getAttribute("aria-pressed")).toBe("false"));
  expect((screen.getByRole("searchbox", { name: "Search records" }) as HTMLInputElement).value).toBe("Ann");
});
