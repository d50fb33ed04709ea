import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { Suggest } from "./Suggest";

test("the button that opens the choices says the field's name once", () => {
  render(<Suggest label="Source" value="" options={[]} onChange={() => undefined} />);
  expect(screen.getByRole("button", { name: "Choose Source" })).toBeTruthy();
});
