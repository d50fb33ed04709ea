import { act, fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";

import { Button } from "./Button";

/** A form with a save that goes on until it is told to end, after which there is nothing left to save. */
function form() {
  const saved: string[] = [];
  const ending = { done: () => undefined as void };
  function Form() {
    const [state, setState] = useState<"changed" | "saving" | "saved">("changed");
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault();
          saved.push(state);
          setState("saving");
          ending.done = () => setState("saved");
        }}
      >
        <input aria-label="Name" />
        <Button type="submit" busy={state === "saving"} disabled={state === "saved"}>
          Save
        </Button>
      </form>
    );
  }
  render(<Form />);
  return { saved, ending, save: screen.getByRole<HTMLButtonElement>("button", { name: "Save" }) };
}

test("a busy button keeps the focus and hears no press, neither its own nor Enter in the form's field", async () => {
  const user = userEvent.setup();
  const { saved, save } = form();
  await user.click(save);
  expect(saved).toEqual(["changed"]);
  expect(document.activeElement).toBe(save);
  expect([save.getAttribute("aria-disabled"), save.getAttribute("aria-busy"), save.disabled]).toEqual(["true", "true", false]);
  await user.keyboard("{Enter}");
  fireEvent.click(save);
  await user.type(screen.getByLabelText("Name"), "x{Enter}");
  expect(saved).toEqual(["changed"]);
});

test("when there is nothing left to save the button still has the focus, and is disabled once it is left", async () => {
  const user = userEvent.setup();
  const { saved, ending, save } = form();
  await user.click(save);
  act(() => ending.done());
  expect(document.activeElement).toBe(save);
  expect([save.getAttribute("aria-disabled"), save.disabled]).toEqual(["true", false]);
  await user.keyboard("{Enter}");
  expect(saved).toEqual(["changed"]);
  await user.tab();
  expect([save.getAttribute("aria-disabled"), save.disabled]).toEqual([null, true]);
});

test("a disabled button is disabled", () => {
  render(<Button disabled>Save</Button>);
  expect(screen.getByRole<HTMLButtonElement>("button").disabled).toBe(true);
});
