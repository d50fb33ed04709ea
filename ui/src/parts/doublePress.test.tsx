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

/** A press at a place and a time; `detail` is nothing where a key pressed. */
function press(name: string, at: number, x: number, detail = 1) {
  const event = new MouseEvent("click", { bubbles: true, cancelable: true, clientX: x, clientY: 20, detail });
  Object.defineProperty(event, "timeStamp", { value: at });
  fireEvent(screen.getByRole("button", { name }), event);
}

test.each<[string, [string, number, number, number?][], string[]]>([
  ["a button that came under the pointer does not take the second half", [["undo", 0, 100], ["discard", 200, 101]], ["undo"]],
  ["nor does what begins something once", [["apply", 0, 100], ["apply", 20, 100]], ["apply"]],
  ["a second press after a moment is meant", [["undo", 0, 100], ["discard", 600, 100], ["apply", 1200, 100], ["apply", 2000, 100]], ["undo", "discard", "apply", "apply"]],
  ["so is one at another place", [["undo", 0, 100], ["discard", 50, 200]], ["undo", "discard"]],
  ["and what may be pressed again and again", [["undo", 0, 100], ["undo", 50, 100], ["undo", 100, 100]], ["undo", "undo", "undo"]],
  ["a key is not a pointer", [["apply", 0, 0, 0], ["discard", 20, 0, 0]], ["apply", "discard"]],
])("%s", (_, presses, heard) => {
  for (const [name, at, x, detail] of presses) press(name, at, x, detail);
  expect(pressed).toEqual(heard);
});
