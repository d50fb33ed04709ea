import { expect, test } from "vitest";

import { call, carryWith } from "../../backend";
import { fixture } from "../../backend/fixture";
import { changesOf, draftOf, formOf, otherProperties } from "./draft";

async function detailOf(name: string) {
  carryWith(fixture(null));
  return call("connector_get", { name });
}

test("an untouched form has no changes and sends no secret", async () => {
  const detail = await detailOf("hubspot");
  const form = formOf(detail);
  expect(changesOf(form, form)).toEqual([]);
  expect(draftOf(detail, form, false).secrets).toEqual({});
});

test("the way of signing in that was not chosen is removed", async () => {
  const detail = await detailOf("hubspot");
  const form = { ...formOf(detail), credentials: "oauth" as const, secrets: { clientSecret: "test-secret", accessToken: "typed-before" } };
  expect(draftOf(detail, form, false).secrets).toEqual({ clientSecret: "test-secret", accessToken: "" });
});

test("unknown keys of the document survive, emptied settings go", async () => {
  const detail = await detailOf("hubspotEu");
  const form = { ...formOf(detail), values: { clientId: "client-2", permitsPerSecond: "" } };
  const { config } = draftOf(detail, form, false);
  expect(config["connectorRef"]).toEqual(detail.config["connectorRef"]);
  expect(config["configurationProperties"]).toEqual({ clientId: "client-2" });
});

test("credentials have their own part of the form", async () => {
  const detail = await detailOf("hubspot");
  const names = (credentials: "key" | "oauth") => otherProperties(detail, { ...formOf(detail), credentials }).map((property) => property.name);
  expect(names("key")).toEqual(["apiBaseUrl", "apiVersion", "permitsPerSecond", "acceptSelfSignedCertificates"]);
  expect(names("oauth")).toEqual(["scopes", ...names("key")]);
});
