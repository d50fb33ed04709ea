import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";

import { FilterBuilder } from "./FilterBuilder";

function Filter({ begins }: { begins: string }) {
  const [value, setValue] = useState(begins);
  return <FilterBuilder label="Filter" value={value} variable="" attributes={[]} onChange={setValue} />;
}

test("adding a comparison leads to its attribute, and removing one to the next", async () => {
  const user = userEvent.setup();
  render(<Filter begins={'/city eq "Oslo"'} />);
  await user.click(screen.getByRole("button", { name: "Add comparison" }));
  expect(document.activeElement).toBe(screen.getByRole("combobox", { name: "Attribute 2" }));
  await user.click(screen.getByRole("button", { name: "Remove comparison 1" }));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Remove comparison 1" }));
  await user.click(screen.getByRole("button", { name: "Remove comparison 1" }));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Add comparison" }));
});
