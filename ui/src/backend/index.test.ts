import { afterEach, expect, test, vi } from "vitest";

import { call } from "./index";

afterEach(() => vi.unstubAllGlobals());

const answer = (status: number, body: string) => vi.fn(async () => new Response(body, { status, headers: { "content-type": "application/json" } }));

test("a call is posted to its own address", async () => {
  const fetch = answer(200, "[]");
  vi.stubGlobal("fetch", fetch);
  expect(await call("mappings_list", {})).toEqual([]);
  expect(fetch).toHaveBeenCalledWith("/api/mappings_list", expect.objectContaining({ method: "POST", body: "{}" }));
});

test("an error of the backend arrives as it is", async () => {
  const error = { code: "policy", message: "1 policy is not met.", policies: [{ property: "mail", policy: "required", message: "required" }] };
  vi.stubGlobal("fetch", answer(422, JSON.stringify(error)));
  await expect(call("user_save", { id: null, rev: null, attributes: {} })).rejects.toEqual(error);
});

test.each([
  ["an answer that is no error of ours", answer(502, "<html>"), "status 502"],
  ["no answer at all", vi.fn(async () => Promise.reject(new TypeError("refused"))), "does not answer"],
])("%s becomes an error that says what to do", async (_, fetch, message) => {
  vi.stubGlobal("fetch", fetch);
  await expect(call("app_status", {})).rejects.toMatchObject({ code: "internal", message: expect.stringContaining(message) });
});
