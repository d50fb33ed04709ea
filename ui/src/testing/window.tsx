import { createMemoryHistory } from "@tanstack/react-router";
import { render } from "@testing-library/react";

import { App } from "../app/App";
import { carryWith } from "../backend";
import { fixture } from "../backend/fixture";

type Carrier = (name: string, request: unknown) => Promise<unknown>;

/** Opens the window at an address over a fresh made-up backend; `around` may watch or replace calls. */
export function openWindow(address: string, around: (inner: Carrier) => Carrier = (inner) => inner, scenario: string | null = null) {
  carryWith(around(fixture(scenario)));
  return render(<App history={createMemoryHistory({ initialEntries: [address] })} />);
}
