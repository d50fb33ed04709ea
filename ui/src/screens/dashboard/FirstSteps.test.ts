import { expect, test } from "vitest";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { MappingSummary } from "../../backend/bindings/MappingSummary";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { firstSteps } from "./FirstSteps";

const connector = (state: ConnectorSummary["state"]) => ({ name: "crm", state }) as ConnectorSummary;
const mapping = (lastRun: Partial<RunSummary> | null) => ({ name: "in", lastRun }) as MappingSummary;

test.each([
  ["nothing", [], [], "New connector", "/connectors/new"],
  ["a connector that was never tested", [connector("untested")], [], "Go on", "/connectors/$name"],
  ["a connector that works", [connector("active")], [], "New mapping", "/mappings/new"],
  ["a mapping", [connector("active")], [mapping(null)], "Open the mapping", "/mappings/$name"],
  ["a plan", [connector("active")], [mapping({ id: "r", mode: "preview", state: "planned" })], "Open the plan", "/mappings/$name"],
])("with %s the next step is there", (_, connectors, mappings, action, to) => {
  const next = firstSteps(connectors, mappings, []).find(({ done }) => !done);
  expect([next?.action, next?.go.to]).toEqual([action, to]);
});

test("whoever has reconciled knows the way", () => {
  expect(firstSteps([connector("active")], [mapping({ mode: "reconcile", state: "success" })], [])).toEqual([]);
  expect(firstSteps([connector("active")], [mapping({ mode: "apply", state: "success" })], [])).toEqual([]);
});

test.each<RunSummary["state"]>(["planned", "failed"])("a later run that is %s does not bring the first steps back", (state) => {
  const earlier = { mode: "apply", state: "success", done: 56 } as RunSummary;
  expect(firstSteps([connector("active")], [mapping({ mode: "preview", state, done: 0 })], [earlier])).toEqual([]);
});

test("a run that failed is no plan to look at", () => {
  const next = firstSteps([connector("active")], [mapping({ id: "r", mode: "preview", state: "failed", done: 0 })], []).find(({ done }) => !done);
  expect([next?.title, next?.action, next?.go.search]).toEqual(["Look at the plan: a preview", "Open the mapping", {}]);
});
