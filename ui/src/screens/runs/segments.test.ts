import { expect, test } from "vitest";

import type { Count } from "../../backend/bindings/Count";
import type { RunDetail } from "../../backend/bindings/RunDetail";
import { recordsRead, segments } from "./segments";

const counts = (values: Record<string, number>): Count[] => Object.entries(values).map(([name, count]) => ({ name, meaning: "", count }));
const detail = (situations: Record<string, number>, actions: Record<string, number>) => ({ situations: counts(situations), actions: counts(actions) }) as RunDetail;

test.each([
  { what: "records without an action are unchanged", situations: { CONFIRMED: 100, ABSENT: 2 }, actions: { CREATE: 2, UPDATE: 5 }, read: 102, bar: { UNCHANGED: 95, UPDATE: 5, CREATE: 2 } },
  { what: "an action that counts everything leaves nothing over", situations: { ABSENT: 3 }, actions: { CREATE: 3 }, read: 3, bar: { CREATE: 3 } },
  { what: "empty counts and unknown names keep their place", situations: { ABSENT: 2 }, actions: { ONBOARD: 1, DELETE: 0, CREATE: 1 }, read: 2, bar: { CREATE: 1, ONBOARD: 1 } },
  { what: "nothing read", situations: {}, actions: {}, read: 0, bar: {} },
])("$what", ({ situations, actions, read, bar }) => {
  const run = detail(situations as Record<string, number>, actions as Record<string, number>);
  expect(recordsRead(run)).toBe(read);
  expect(segments(run).map(({ name, count }) => [name, count])).toEqual(Object.entries(bar));
});
