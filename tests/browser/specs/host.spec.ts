import { Host } from "../support/host";
import { expect, test } from "../support/test";

test("the host answers its own pages alone", async ({ host }) => {
  const call = (headers: Record<string, string>, body = "{}") => fetch(`${host.url}/api/app_status`, { method: "POST", headers, body });
  const json = { "content-type": "application/json" };
  expect((await call({ ...json, origin: "http://evil.example" })).status).toBe(403);
  expect((await call(json)).status).toBe(403);
  expect((await call({ "content-type": "text/plain", origin: host.url })).status).toBe(415);
  expect((await call({ ...json, origin: host.url })).status).toBe(200);
  expect((await fetch(`${host.url}/%2e%2e/package.json`)).status).toBe(404);
});

test("the page runs under the policy of the application", async ({ host, page }) => {
  const answer = await page.goto(host.url);
  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("connect-src 'self'");
  expect(policy).not.toContain("unsafe");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
});

test("an unknown command and a broken request are refused in words", async ({ host }) => {
  await expect(host.call("nonsense" as "app_status", {})).rejects.toThrow(/notFound: .*`nonsense`/);
  await expect(host.call("connector_get", {} as { name: string })).rejects.toThrow(/invalid: .*`connector_get`.*name/);
});

test("a host that cannot serve ends before it says where it is", async ({}, info) => {
  await expect(Host.start({ ui: info.outputPath("nothing-built") })).rejects.toThrow(/ended with 1 before it began: .*no built UI/s);
});
