import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";

import { FilterBuilder } from "./FilterBuilder";

function Filter({ begins }: { begins: string }) {
  const [value, setValue] = useState(begins);
  return <FilterBuilder label="Filter" value={value} variable="" attributes={[]} onChange={setValue} />;
}

test("adding a comparison keeps the focus, and removing one leads to the next", async () => {
  const user = userEvent.setup();
  render(<Filter begins={'/city eq "Oslo"'} />);
  await user.click(screen.getByRole("button", { name: "Add comparison" }));
  // Not to its attribute: the list of that would open under the pointer, and Tab would take what lies there.
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Add comparison" }));
  await user.click(screen.getByRole("button", { name: "Remove comparison 1" }));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Remove comparison 1" }));
  await user.click(screen.getByRole("button", { name: "Remove comparison 1" }));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Add comparison" }));
});
