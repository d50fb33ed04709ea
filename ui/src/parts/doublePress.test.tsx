import { fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";

import { ignoreSecondHalves } from "./doublePress";

let pressed: string[] = [];
let end = () => {};

beforeEach(() => {
  pressed = [];
  end = ignoreSecondHalves();
  render(
    <>
      <button type="button" onClick={() => pressed.push("undo")}>{"undo"}</button>
      <button type="button" onClick={() => pressed.push("discard")}>{"discard"}</button>
      <button type="button" data-once="" onClick={() => pressed.push("apply")}>{"apply"}</button>
    </>,
  );
});
afterEach(() => end());

/** A press at a place; `detail` is which one it is of a row of quick presses, and nothing where a key pressed. */
function press(name: string, x: number, detail = 1) {
  fireEvent(screen.getByRole("button", { name }), new MouseEvent("click", { bubbles: true, cancelable: true, clientX: x, clientY: 20, detail }));
}

test.each<[string, [string, number, number?][], string[]]>([
  ["a button that came under the pointer does not take the second half", [["undo", 100], ["discard", 101, 2]], ["undo"]],
  ["nor does what begins something once", [["apply", 100], ["apply", 100, 2]], ["apply"]],
  ["two presses of their own are meant, however quick", [["undo", 100], ["discard", 100], ["apply", 100], ["apply", 100]], ["undo", "discard", "apply", "apply"]],
  ["so is one at another place", [["undo", 100], ["discard", 200, 2]], ["undo", "discard"]],
  ["and what may be pressed again and again", [["undo", 100], ["undo", 100, 2], ["undo", 100, 3]], ["undo", "undo", "undo"]],
  ["a key is not a pointer", [["apply", 0, 0], ["discard", 0, 0]], ["apply", "discard"]],
])("%s", (_, presses, heard) => {
  for (const [name, x, detail] of presses) press(name, x, detail);
  expect(pressed).toEqual(heard);
});
