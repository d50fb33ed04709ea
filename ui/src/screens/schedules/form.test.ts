import { describe, expect, test } from "vitest";

import { cronOf, DAYS, documentOf, emptyForm, formOf, freshName } from "./form";

const ABOUT = { mapping: "m", source: "system/hubspot/contact" };

describe("a schedule's form", () => {
  test.each([
    ["0 0 2 * * ?", "clock", "02:00", DAYS.length],
    ["0 30 14 ? * MON,FRI", "clock", "14:30", 2],
    ["0 5 4 ? * *", "clock", "04:05", DAYS.length],
    ["0 0/5 * * * ?", "cron", null, null],
    ["0 0 2 L * ?", "cron", null, null],
    ["0 0 2 ? * FRI#2", "cron", null, null],
    ["0 99 2 * * ?", "cron", null, null],
  ] as const)("%s is shown as %s", (schedule, kind, time, days) => {
    const form = formOf({ type: "cron", schedule });
    expect(form.kind).toBe(kind);
    if (time) expect([form.time, form.days.length]).toEqual([time, days]);
  });

  test.each([
    [60_000, "1", "minutes"],
    [90_000, "1.5", "minutes"],
    [7_200_000, "2", "hours"],
    [86_400_000, "1", "days"],
  ] as const)("%d ms are %s %s", (repeatInterval, every, unit) => {
    expect(formOf({ type: "simple", repeatInterval })).toMatchObject({ kind: "interval", every, unit });
  });

  test.each([1000, 5000, 10_000, 20_000, 3_601_000])("an interval of %d ms that nobody touched stays", (repeatInterval) => {
    const before = { type: "simple", repeatInterval, invokeContext: { action: "liveSync", source: ABOUT.source } };
    const form = { ...formOf(before), misfire: "doNothing" as const };
    expect(documentOf(form, ABOUT, before)["repeatInterval"]).toBe(repeatInterval);
    expect(documentOf({ ...form, every: "3" }, ABOUT, before)["repeatInterval"]).toBe(180_000);
  });

  test("times of the day become an expression, and whole weeks need no days", () => {
    expect(cronOf({ time: "02:00", days: [...DAYS] })).toBe("0 0 2 * * ?");
    expect(cronOf({ time: "14:30", days: ["FRI", "MON"] })).toBe("0 30 14 ? * MON,FRI");
  });

  test("what the form does not show stays in the document", () => {
    const before = { enabled: true, type: "cron", schedule: "0 0 2 * * ?", persisted: false, invokeLogLevel: "info", startTime: "2026-01-01T08:00:00+01:00", timeZone: "Asia/Tokyo", invokeService: "sync", invokeContext: { action: "reconcile", mapping: "m", numThreads: 4 } };
    expect(documentOf(formOf(before), ABOUT, before)).toEqual({ ...before, misfirePolicy: "fireAndProceed" });
    const often = documentOf({ ...formOf(before), kind: "interval", every: "2", unit: "hours", task: "incremental", start: "" }, ABOUT, before);
    expect(often).toMatchObject({ type: "simple", repeatInterval: 7_200_000, invokeLogLevel: "info", invokeContext: { numThreads: 4, incremental: true } });
    expect(often).not.toHaveProperty("schedule");
    expect(often).not.toHaveProperty("startTime");
    // Full again: the addition goes.
    expect(documentOf({ ...formOf(often), task: "full" }, ABOUT, often)["invokeContext"]).not.toHaveProperty("incremental");
  });

  test("liveSync names the source", () => {
    expect(documentOf(emptyForm("liveSync"), ABOUT)).toMatchObject({ type: "simple", repeatInterval: 300_000, persisted: true, invokeService: "provisioner", invokeContext: { action: "liveSync", source: ABOUT.source } });
    expect(formOf(documentOf(emptyForm("liveSync"), ABOUT)).task).toBe("liveSync");
  });

  test("a name is taken once", () => {
    expect(freshName("reconcile a/b", ["x"])).toBe("reconcile_a_b");
    expect(freshName("m", ["M", "m-2"])).toBe("m-3");
    expect(freshName("..", [])).toBe("schedule");
  });
});
