import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { firstLook } from "./build/firstLook.ts";
import { messages } from "./build/messages.ts";

export default defineConfig({
  // The window loads the page from `tauri://localhost`, a browser from a loopback host: relative addresses suit both.
  base: "./",
  plugins: [messages(), react(), tailwindcss(), firstLook()],
  // The guide and the licences of others are one text for the window and the repository.
  server: { fs: { allow: [".", "../docs"] } },
  build: {
    outDir: "dist",
    sourcemap: false,
    // Everything is embedded in the program and never travels. What the window reads before its first screen has a limit of
    // its own, in build/firstLook.ts.
    chunkSizeWarningLimit: 1500,
    // Data addresses for styles and scripts would need a wider content security policy.
    assetsInlineLimit: 0,
    target: "es2023",
    cssTarget: ["chrome123", "safari17.5"],
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    css: false,
    testTimeout: 40_000,
  },
});
