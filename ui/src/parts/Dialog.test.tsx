import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { Dialog } from "./Dialog";

test.each([
  ["nothing is typed", false, 1],
  ["something is typed", true, 0],
])("a click outside a window in which %s", async (_, typed, closed) => {
  const user = userEvent.setup();
  const onClose = vi.fn();
  render(
    <Dialog title="Schedule" open typed={typed} onClose={onClose}>
      {"inside"}
    </Dialog>,
  );
  await user.click(screen.getByRole("dialog").parentElement?.parentElement as HTMLElement);
  expect(onClose).toHaveBeenCalledTimes(closed);
  onClose.mockClear();
  await user.click(screen.getByText("inside"));
  await user.keyboard("{Escape}");
  expect(onClose).toHaveBeenCalledTimes(1);
});
