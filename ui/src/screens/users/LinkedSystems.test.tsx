import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { Trial } from "../../backend/bindings/Trial";
import { openWindow } from "../../testing/window";

/** Opens Ann Lee, whose record over there is looked at by `look`. */
async function openAnn(look: (request: unknown) => unknown) {
  const user = userEvent.setup();
  openWindow("/users", (inner) => async (name, request) => (name === "mapping_try" ? look(request) : inner(name, request)));
  const row = (await screen.findByRole("checkbox", { name: /^Select Ann Lee/ })).closest("tr");
  await user.click(within(row as HTMLElement).getByRole("rowheader"));
}

const trial = (source: string | null) =>
  ({
    source: { id: "1", title: "Ann", attributes: {} },
    target: null,
    candidates: [],
    situation: "CONFIRMED",
    meaning: "",
    action: "UPDATE",
    outcome: "inSync",
    why: "",
    reason: "",
    remedy: null,
    fix: null,
    qualifiers: ["default"],
    byScripts: [],
    properties: [{ target: "mail", source, before: "ann@example.org", after: "ann@example.org", outcome: "unchanged", why: "", steps: [] }],
  }) as unknown as Trial;

test.each([
  ["the same value", "ann@example.org", "the same on both sides"],
  ["a value against none", null, "the same on both sides, as far as the mapping goes"],
])("%s over there is said as what it is", async (_, source, said) => {
  await openAnn(() => trial(source));
  expect((await screen.findAllByText(said)).length).toBeGreaterThan(0);
});

test("why a record cannot be read is a sentence, and so is what follows it", async () => {
  await openAnn(() => {
    throw { code: "remote", message: "the system is in trouble (503); try again later" };
  });
  expect((await screen.findAllByText(/Below is what was last seen of it/))[0]?.textContent).toBe("The system is in trouble (503); try again later. Below is what was last seen of it.");
});
