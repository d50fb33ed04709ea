import { t } from "@lingui/core/macro";

import type { EntryStatus } from "../../backend/bindings/EntryStatus";
import type { Tone } from "../../parts/State";

/** The states of an entry in words. */
export const ENTRY_STATUS: Record<EntryStatus, { tone: Tone; text: string }> = {
  planned: { tone: "off", text: t`planned` },
  done: { tone: "fine", text: t`done` },
  failed: { tone: "needs", text: t`failed` },
  stale: { tone: "waits", text: t`changed since the preview` },
  skipped: { tone: "off", text: t`skipped` },
  needsYou: { tone: "needs", text: t`needs you` },
};
