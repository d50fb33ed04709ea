import { act, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { expect, test } from "vitest";

import { Switch } from "./Field";

/** A switch whose change is carried out elsewhere, and what decides when and how that ends. */
function follow(asked: boolean[] = []) {
  const ending: { done: () => void; failed: () => void } = { done: () => undefined, failed: () => undefined };
  function Follow() {
    const [on, setOn] = useState(false);
    async function change(wanted: boolean) {
      asked.push(wanted);
      await new Promise<void>((resolve, reject) => Object.assign(ending, { done: resolve, failed: () => reject(new Error("refused")) }));
      setOn(wanted);
    }
    return <Switch label="Follow" checked={on} onChange={change} />;
  }
  render(<Follow />);
  return { ending, control: screen.getByRole<HTMLInputElement>("switch", { name: "Follow" }) };
}

const settled = (control: HTMLElement) => waitFor(() => expect(control.hasAttribute("aria-busy")).toBe(false));

test("a switch shows what was asked for at once, and what is so when that is settled", async () => {
  const asked: boolean[] = [];
  const { ending, control } = follow(asked);
  act(() => control.click());
  expect(control.checked).toBe(true);
  act(() => control.click());
  expect(control.checked).toBe(true);
  expect(asked).toEqual([true]);
  ending.done();
  await settled(control);
  expect(control.checked).toBe(true);
});

test("a switch goes back when what was asked for failed", async () => {
  const { ending, control } = follow();
  act(() => control.click());
  expect(control.checked).toBe(true);
  ending.failed();
  await settled(control);
  expect(control.checked).toBe(false);
});
