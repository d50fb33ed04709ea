import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { MappingDetail } from "../../backend/bindings/MappingDetail";
import type { MappingDraft } from "../../backend/bindings/MappingDraft";
import { openWindow } from "../../testing/window";

const MAPPING = "systemHubspotContact_managedUser";

/** Opens the mapping's title, with saves watched, held back until they are let through, and another process that saves too. */
async function openTitle({ slow = false } = {}) {
  const saves: MappingDraft[] = [];
  let carry: ((name: string, request: unknown) => Promise<unknown>) | undefined;
  let release: (() => void) | undefined;
  openWindow(`/mappings/${MAPPING}?tab=advanced`, (inner) => {
    carry = inner;
    return async (name, request) => {
      if (name === "mapping_save") {
        saves.push(request as MappingDraft);
        if (slow) await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      return inner(name, request);
    };
  });
  const title = (await screen.findByRole("textbox", { name: "Title" })) as HTMLInputElement;
  return {
    saves,
    title,
    letThrough: () => release?.(),
    /** What `concord mapping add` does beside the window. */
    async elsewhere(change: Record<string, unknown>) {
      const now = (await carry?.("mapping_get", { name: MAPPING })) as MappingDetail | undefined;
      await carry?.("mapping_save", { create: false, config: { ...now?.config, ...change } });
    },
    stored: async () => ((await carry?.("mapping_get", { name: MAPPING })) as MappingDetail | undefined)?.config,
  };
}

test("a mapping that was changed elsewhere is not overwritten, and the newer one can be loaded", async () => {
  const user = userEvent.setup();
  const { saves, title, elsewhere, stored } = await openTitle();
  await user.type(title, "Ours");
  await elsewhere({ displayName: "Theirs" });
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain("has changed meanwhile");
  expect(saves).toMatchObject([{ rev: "1" }]);
  expect((await stored())?.["displayName"]).toBe("Theirs");
  expect(title.value).toBe("Ours");
  // It is as old after a further edit.
  await user.type(title, "!");
  await user.click(screen.getByRole("button", { name: "Drop 2 changes and reload" }));
  await waitFor(() => expect((screen.getByRole("textbox", { name: "Title" }) as HTMLInputElement).value).toBe("Theirs"));
  expect(screen.queryByRole("alert")).toBeNull();
  await user.type(screen.getByRole("textbox", { name: "Title" }), " and ours");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
  expect(saves.at(-1)).toMatchObject({ rev: "2" });
  expect((await stored())?.["displayName"]).toBe("Theirs and ours");
});

test("a mapping that is removed while it is edited says so once, with the way back, and cannot be saved or removed", async () => {
  const user = userEvent.setup();
  let there = true;
  openWindow(`/mappings/${MAPPING}?tab=advanced`, (inner) => async (name, request) => {
    if (!there && name === "mapping_save") throw { code: "stale", message: `mapping \`${MAPPING}\` has changed meanwhile (it is not there, 1 expected); load it again and repeat the change` };
    if (!there && (name === "mapping_get" || name === "mapping_try")) throw { code: "notFound", message: `no such mapping: ${MAPPING}` };
    return inner(name, request);
  });
  await user.type(await screen.findByRole("textbox", { name: "Title" }), "x");
  there = false;
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("alert")).textContent).toContain(`There is no mapping ${MAPPING}`);
  await user.click(screen.getByRole("tab", { name: "Properties" }));
  expect(screen.getAllByText(/no mapping|such mapping/)).toHaveLength(1);
  for (const name of ["Save", "Remove", "Preview"]) expect(screen.getByRole("button", { name }).matches(":disabled, [aria-disabled=true]")).toBe(true);
  await user.click(screen.getByRole("button", { name: "Back to the list" }));
  expect(await screen.findByRole("list", { name: "Mappings in the order in which they run" })).toBeTruthy();
});

test("what is typed while a mapping is saved is kept, on what that save made", async () => {
  const user = userEvent.setup();
  const { saves, title, letThrough, stored } = await openTitle({ slow: true });
  await user.type(title, "Ann");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(saves).toHaveLength(1));
  await user.type(title, " Lee");
  letThrough();
  await waitFor(async () => expect((await stored())?.["displayName"]).toBe("Ann"));
  await screen.findByText(`${MAPPING} was saved`);
  expect(title.value).toBe("Ann Lee");
  expect(screen.getByText("unsaved: 1 change")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(saves).toHaveLength(2));
  letThrough();
  await screen.findByText("all saved");
  expect(saves.map(({ rev, config }) => [rev, config["displayName"]])).toEqual([["1", "Ann"], ["2", "Ann Lee"]]);
});

test("a test that failed warns, keeps nobody from a run, and can be made again", async () => {
  const user = userEvent.setup();
  let mended = false;
  openWindow(`/mappings/${MAPPING}`, (inner) => async (name, request) => {
    if (name === "connector_test") mended = true;
    const answer = await inner(name, request);
    if (name !== "connectors_list" || mended) return answer;
    return (answer as ConnectorSummary[]).map((connector) => (connector.name === "hubspot" ? { ...connector, state: "error", message: "HubSpot answers 503.", trouble: "reach" } : connector));
  });
  expect(await screen.findByText("HubSpot answers 503.")).toBeTruthy();
  expect((screen.getByRole("button", { name: "Preview" }) as HTMLButtonElement).disabled).toBe(false);
  expect(screen.queryByRole("alert")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Test hubspot again" }));
  await waitFor(() => expect(screen.queryByText("HubSpot answers 503.")).toBeNull());
});

test("what a connector in trouble answers is told in one place", async () => {
  const refused = { code: "remote", message: "connector `hubspot`: the access token has expired" };
  openWindow(`/mappings/managedUser_systemHubspotContact`, (inner) => async (name, request) => {
    if (name === "mapping_try") throw refused;
    if (name === "resource_schema" && (request as { resource: string }).resource.startsWith("system/hubspot")) throw refused;
    const answer = await inner(name, request);
    if (name !== "connectors_list") return answer;
    return (answer as ConnectorSummary[]).map((connector) => (connector.name === "hubspot" ? { ...connector, state: "error", message: refused.message, trouble: "authorize" } : connector));
  });
  expect(await screen.findByText(/It cannot be tried while HubSpot.* is in trouble; why stands above/)).toBeTruthy();
  expect(screen.getByText(/The attributes of HubSpot contact are not known now/)).toBeTruthy();
  expect(screen.getAllByText(/access token has expired/)).toHaveLength(1);
  expect(screen.queryByText(/marked below/)).toBeNull();
});

test("a source that is not read yet, or could not be read, is not said to be empty", async () => {
  const user = userEvent.setup();
  let answer: ((ok: boolean) => void) | undefined;
  openWindow(`/mappings/${MAPPING}`, (inner) => async (name, request) => {
    if (name !== "records_sample") return inner(name, request);
    if (await new Promise<boolean>((resolve) => (answer = resolve))) return inner(name, request);
    throw { code: "remote", message: "HubSpot answers 503." };
  });
  expect(await screen.findByText("Looking at a record\u2026")).toBeTruthy();
  await waitFor(() => expect(answer).toBeTruthy());
  answer?.(false);
  expect(await screen.findByText("The source could not be read, so there is nothing to try this with.")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Read again" }));
  answer?.(true);
  await waitFor(() => expect(screen.queryByText(/could not be read/)).toBeNull());
  expect(screen.queryByText("There is no record of the source to try this with.")).toBeNull();
});

test("a property that was added and left empty is taken back, and the focus goes where it was", async () => {
  const user = userEvent.setup();
  openWindow(`/mappings/${MAPPING}`);
  const add = await screen.findByRole("button", { name: "Add property" });
  await user.click(add);
  await screen.findByText("unsaved: 1 change");
  await user.keyboard("{Escape}");
  expect(await screen.findByText("all saved")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Edit property without a target" })).toBeNull();
  expect(document.activeElement).toBe(add);
});

const threads = () => screen.getByRole("textbox", { name: "Threads" });

test("a number that is none is not sent: a save leads to its field, from whatever tab, and only then", async () => {
  const user = userEvent.setup();
  const { saves } = await openTitle();
  await user.type(threads(), "two");
  await user.click(screen.getByRole("tab", { name: "Behaviors" }));
  expect(screen.getByRole("tab", { name: /^Advanced\s*something is wrong here$/ })).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(document.activeElement).toBe(threads()));
  expect(threads().getAttribute("aria-invalid")).toBe("true");
  expect([saves, screen.queryByRole("alert")]).toEqual([[], null]);
  // Going there again takes the keyboard nowhere.
  await user.click(screen.getByRole("tab", { name: "Behaviors" }));
  await user.keyboard("{ArrowRight}{ArrowRight}");
  await screen.findByRole("textbox", { name: "Threads" });
  expect(document.activeElement?.getAttribute("role")).toBe("tab");
  await user.clear(threads());
  await user.type(threads(), "2");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("all saved");
  expect(saves).toMatchObject([{ config: { taskThreads: 2 } }]);
});
