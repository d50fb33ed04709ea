import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { defineConfig } from "@playwright/test";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/snap/bin/chromium", "/usr/bin/google-chrome-stable", "/usr/bin/google-chrome"];

/** The system's Chromium; nothing is downloaded. */
function chromium(): string {
  const named = process.env["CONCORD_CHROMIUM"];
  const found = named ?? CHROMIUM.find((path) => existsSync(path));
  if (!found || !existsSync(found)) {
    throw new Error(`There is no Chromium at ${named ?? CHROMIUM.join(", ")}. On Debian: apt-get install chromium; elsewhere name it in CONCORD_CHROMIUM.`);
  }
  return found;
}

export default defineConfig({
  testDir: "specs",
  outputDir: fileURLToPath(new URL("../../target/browser-tests", import.meta.url)),
  // Every test has its own host with its own port and data, so they run side by side.
  fullyParallel: true,
  workers: "100%",
  forbidOnly: true,
  retries: 0,
  reporter: [["list"]],
  timeout: 90_000,
  expect: { timeout: 20_000 },
  use: {
    viewport: { width: 1280, height: 840 },
    locale: "en-GB",
    timezoneId: "UTC",
    colorScheme: "light",
    reducedMotion: "reduce",
    actionTimeout: 20_000,
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: chromium(),
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    },
  },
});
