import { t } from "@lingui/core/macro";

import type { Fix } from "../backend/bindings/Fix";

/** What to do about a record that failed or waits, in a sentence. */
export function fixWords(fix: Fix): string {
  switch (fix.kind) {
    case "runAgain":
      return t`Run it again.`;
    case "runAgainForMissing":
      return t`Run it again: it will be MISSING.`;
    case "runAgainInDoubt":
      return t`Run it again: it looks for the record before it creates anything.`;
    case "runAgainAfter":
      return t`The system asks to wait; then run it again.`;
    case "clearFailures":
      return t`Clear the other failures, then run it again.`;
    case "authorize":
      return t`Authorize again, then run it again.`;
    case "correctAttribute":
      return t`Correct ${fix.attribute} in the source record or in the mapping.`;
    case "meetPolicy":
      return t`Correct ${fix.attribute} in the source record, or give it a default in the mapping.`;
    case "correctMapping":
      return t`Correct the mapping or the record, then run it again.`;
    case "policyForExisting":
      return t`Use UPDATE or LINK for ${fix.situation} in the mapping's policies.`;
    case "policyForAbsent":
      return t`Use CREATE or UNLINK for ${fix.situation} in the mapping's policies.`;
    case "policy":
      return t`Choose another action for ${fix.situation} in the mapping's policies.`;
    case "policyForMissing":
      return t`Decide in the inbox whether it is made again, or set the policy for MISSING to CREATE or UNLINK.`;
    case "policyForSourceMissing":
      return t`Decide in the inbox what becomes of it, set the policy for SOURCE_MISSING to DELETE or UNLINK, or restore the source record.`;
    case "policyForUnassigned":
      return t`Set the policy for UNASSIGNED to IGNORE if such records are fine, or create their source.`;
    case "linkByHand":
      return t`Choose the right record in the inbox, or make the records distinguishable.`;
    case "linkToMatch":
      return t`Link it to the record that matches; or set the policy for MISSING to UPDATE, which does that by itself.`;
    case "removeLink":
      return t`Remove the wrong link, or correct the record that matches by mistake.`;
    case "removeLinkOrKey":
      return t`Correct the record that has the wrong key, or remove the wrong link.`;
    case "decideConflict":
      return t`Decide in the inbox whose value stays.`;
    case "decideOther":
      return t`Decide first about the record that matches its target.`;
  }
}

const TO_INBOX = new Set<Fix["kind"]>(["policyForMissing", "policyForSourceMissing", "linkByHand", "linkToMatch", "removeLink", "removeLinkOrKey", "decideConflict", "decideOther"]);

/** Whether a fix may be made by answering a question. */
export function leadsToInbox(fix: Fix): boolean {
  return TO_INBOX.has(fix.kind);
}

const ASKED_AGAIN = new Set<Fix["kind"]>(["policyForMissing", "policyForSourceMissing", "linkByHand", "decideConflict", "decideOther"]);

/** The same about a change in the queue of which the inbox asks nothing (any more). */
export function unaskedFixWords(fix: Fix): string {
  return ASKED_AGAIN.has(fix.kind) ? t`The inbox asks nothing about it. Retry it in the queue: what still has to be decided is asked again.` : fixWords(fix);
}

/** The situation whose policy would mend it. */
export function situationOf(fix: Fix): string | null {
  switch (fix.kind) {
    case "policyForExisting":
    case "policyForAbsent":
    case "policy":
      return fix.situation;
    case "policyForMissing":
      return "MISSING";
    case "policyForSourceMissing":
      return "SOURCE_MISSING";
    case "policyForUnassigned":
      return "UNASSIGNED";
    default:
      return null;
  }
}

/** When a provider lets it be tried again, if that is still to come. */
export function waitsUntil(fix: Fix, failedAt: string | null, now: number): string | null {
  if (fix.kind !== "runAgainAfter" || failedAt === null) return null;
  const then = Date.parse(failedAt) + fix.seconds * 1000;
  return Number.isNaN(then) || then <= now ? null : new Date(then).toISOString();
}
