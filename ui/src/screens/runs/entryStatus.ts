import type { Tone } from "../../parts/State";

/** The states of an entry, as the backend names them, in words. */
export const ENTRY_STATUS: Record<string, { tone: Tone; text: string }> = {
  planned: { tone: "off", text: "planned" },
  done: { tone: "fine", text: "done" },
  failed: { tone: "needs", text: "failed" },
  stale: { tone: "waits", text: "changed since the preview" },
  skipped: { tone: "off", text: "skipped" },
  needsYou: { tone: "needs", text: "needs you" },
};
