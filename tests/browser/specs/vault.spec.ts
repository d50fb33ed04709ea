import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { connect } from "../support/connector";
import { Host, PASSPHRASE } from "../support/host";
import { expect, leave, open, test } from "../support/test";

test("a vault stays locked until the right passphrase comes", async ({ page, context }) => {
  const dataDir = await mkdtemp(join(tmpdir(), "concord-browser-"));
  try {
    const before = await Host.start({ dataDir });
    await connect(before, "crm", {}, { accessToken: "sandbox-service-key" });
    await before.stop();

    const host = await Host.start({ dataDir, passphrase: null });
    await open(page, host);
    await expect(page.getByRole("heading", { level: 1, name: "The vault is locked" })).toBeVisible();
    await page.getByLabel("Passphrase", { exact: true }).fill("not the passphrase");
    await page.getByRole("button", { name: "Unlock" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.getByRole("button", { name: "Unlock" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Dashboard" })).toBeVisible();
    await leave(context);
    await host.stop();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test.describe("without a keyring", () => {
  test.use({ hostOptions: { passphrase: null } });

  test("a passphrase is chosen before the first secret", async ({ host, page }) => {
    await open(page, host);
    await expect(page.getByRole("heading", { level: 1, name: "Choose a passphrase" })).toBeVisible();
    await page.getByLabel("Passphrase", { exact: true }).fill("a passphrase that was chosen here");
    await page.getByRole("button", { name: "Set passphrase" }).click();
    await expect(page.getByRole("button", { name: "Try it with sample data" })).toBeVisible();
    expect((await host.call("app_status", {})).vault).toMatchObject({ state: "unlocked", source: "passphrase" });
  });
});

test("no file of the data folder holds a secret in clear", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "concord-browser-"));
  const secret = "canary-in-a-coal-mine";
  try {
    const host = await Host.start({ dataDir });
    await connect(host, "crm", {}, { accessToken: secret });
    expect((await host.call("connector_test", { name: "crm" })).ok).toBe(false);
    const holds = async () => {
      const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      const found = await Promise.all(files.map(async (file) => [file.name, (await readFile(join(file.parentPath, file.name))).includes(secret)] as const));
      expect(found.length).toBeGreaterThan(0);
      return found.filter(([, found]) => found).map(([name]) => name);
    };
    expect(await holds(), "while it runs").toEqual([]);
    await host.stop();
    expect(await holds(), "when it has ended").toEqual([]);
  } finally {
    await rm(dataDir, { recursive: true });
  }
});
