import { expect, test } from "vitest";

import { call, carryWith } from "../../backend";
import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { fixture } from "../../backend/fixture";
import { changesOf, draftOf, formOf, missing, otherProperties } from "./draft";

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

test("what came along with a paste is cut off, but for passwords, which are somebody's own", async () => {
  const detail = await detailOf("hubspot");
  const form = { ...formOf(detail), credentials: "oauth" as const, values: { clientId: " client-2\n", permitsPerSecond: 5, scopes: " " }, secrets: { clientSecret: "\ttest-secret ", httpProxyPassword: " two words ", refreshToken: " " } };
  const { config, secrets } = draftOf(detail, form, false);
  expect(config["configurationProperties"]).toEqual({ clientId: "client-2", permitsPerSecond: 5 });
  expect(secrets).toMatchObject({ clientSecret: "test-secret", httpProxyPassword: " two words " });
  expect(secrets).not.toHaveProperty("refreshToken");
  expect(missing(detail, { ...form, secrets: { clientSecret: " " }, values: { clientId: " " } }).has("clientId")).toBe(true);
});

test("credentials have their own part of the form", async () => {
  const detail = await detailOf("hubspot");
  const names = (credentials: "key" | "oauth") => otherProperties(detail, { ...formOf(detail), credentials }).map((property) => property.name);
  expect(names("key")).toEqual(["apiBaseUrl", "apiVersion", "permitsPerSecond", "acceptSelfSignedCertificates"]);
  expect(names("oauth")).toEqual(["scopes", ...names("key")]);
});

const scim = (values: Record<string, unknown>, secrets: string[] = []): ConnectorDetail => ({
  summary: { name: "scim", provider: "scim" } as ConnectorDetail["summary"],
  rev: "1",
  config: { name: "scim", configurationProperties: values },
  secrets: ["authToken", "password", "clientSecret", "refreshToken"].map((property) => ({ property, set: secrets.includes(property), updatedAt: null })),
  properties: ["SCIMEndpoint", "authenticationMethod", "authToken", "user", "password", "headerName", "tokenEndpoint", "clientId", "clientSecret", "pageSize"].map((name) => ({ name, label: name, kind: "text", choices: [], help: "", advanced: name === "pageSize", default: null })),
  canAuthorize: false,
  authorized: false,
  redirectUri: "",
});

test.each([
  ["nothing", {}, [], ["SCIMEndpoint", "authToken"]],
  ["a token", { SCIMEndpoint: "https://a" }, ["authToken"], []],
  ["a user without a password", { SCIMEndpoint: "https://a", authenticationMethod: "BASIC", user: "ann" }, [], ["password"]],
  ["a key without its header", { SCIMEndpoint: "https://a", authenticationMethod: "header" }, ["authToken"], ["headerName"]],
  ["an app", { SCIMEndpoint: "https://a", authenticationMethod: "OAUTH", tokenEndpoint: "https://a/t", clientId: "c" }, [], ["clientSecret"]],
  ["an app with a token that was brought along", { SCIMEndpoint: "https://a", authenticationMethod: "OAUTH", tokenEndpoint: "https://a/t", clientId: "c" }, ["refreshToken"], []],
])("a SCIM server with %s", (_, values, secrets, gaps) => {
  const detail = scim(values, secrets);
  expect([...missing(detail, formOf(detail)).keys()]).toEqual(gaps);
  expect(otherProperties(detail, formOf(detail)).map(({ name }) => name)).toEqual(["pageSize"]);
});
