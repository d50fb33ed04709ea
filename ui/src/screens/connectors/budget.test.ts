import { expect, test } from "vitest";

import type { ConnectorUsage } from "../../backend/bindings/ConnectorUsage";
import { budgetOf } from "./budget";

const NOW = Date.parse("2026-11-21T10:00:00Z");
const NOTHING: ConnectorUsage = { calls: 42, dailyUsed: null, dailyLimit: null, intervalUsed: null, intervalLimit: null, intervalSeconds: null, restsUntil: null };

test("what the provider did not tell is not made up", () => {
  expect(budgetOf(null, "HubSpot", NOW)).toMatchObject({ daily: null, interval: null, rests: null, silent: expect.stringContaining("Not used") });
  expect(budgetOf(NOTHING, "HubSpot", NOW).silent).toBe("HubSpot has told no limit. 42 calls since Concord was started.");
  expect(budgetOf({ ...NOTHING, dailyLimit: 100 }, "HubSpot", NOW).daily, "a limit alone says nothing about its use").toBeNull();
});

test.each([
  [10, "fine"],
  [74, "fine"],
  [75, "waits"],
  [94, "waits"],
  [95, "needs"],
  [120, "needs"],
])("%i of 100 calls is %s", (dailyUsed, tone) => {
  const { daily } = budgetOf({ ...NOTHING, dailyUsed, dailyLimit: 100 }, "HubSpot", NOW);
  expect(daily?.tone).toBe(tone);
  expect(daily?.share).toBeLessThanOrEqual(1);
});

test("the day, the short interval and a rest are told in words", () => {
  const told = budgetOf({ calls: 3, dailyUsed: 1203, dailyLimit: 250_000, intervalUsed: 12, intervalLimit: 190, intervalSeconds: 10, restsUntil: "2026-11-21T10:05:00Z" }, "HubSpot", NOW);
  expect(told.daily?.text).toBe("1,203 of 250,000 calls today");
  expect(told.interval).toBe("12 of 190 in 10 s, at its last answer");
  expect(told.rests).toMatch(/^Rests until \d\d:\d\d \(in 5 min\), because a limit was reached/);
  expect(told.silent).toBeNull();
  expect(budgetOf({ ...NOTHING, restsUntil: "2026-11-21T09:59:00Z" }, "HubSpot", NOW).rests, "a rest that is over").toBeNull();
});
