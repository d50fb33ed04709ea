import { plural, t } from "@lingui/core/macro";

import type { GuardRow } from "../backend/bindings/GuardRow";

/**
 * How the plan stands to a guard, in a sentence; a guard that this window does not know speaks for itself. `losses` is how many
 * deletes and unlinks the plan holds.
 */
export function guardWords({ name, limit, planned, holds, message }: GuardRow, losses: number): string {
  switch (name) {
    case "emptySource":
      return t`The source is empty. If that is right, switch on \u201cBelieve an empty source\u201d in the mapping; if not, check the source before you run it again.`;
    case "shortSource":
      return losses > 0
        ? t`The source has ${planned} records, fewer than ${limit} linked ones. A source that lost so many is more often broken than right; check it before you allow the deletes.`
        : t`The source has ${planned} records, fewer than ${limit} linked ones. A source that lost so many is more often broken than right; check it first. No delete is planned: if those records are gone for good, the mapping\u2019s policy for SOURCE_MISSING says what becomes of the records that are left.`;
    case "missingTargets":
      return holds
        ? t`${plural(Number(planned), { one: "# linked record of the target is gone and would be made again", other: "# linked records of the target are gone and would be made again" })}: more than ${limit}. Check that the connection leads to the right account; if it does, allow it for this run.`
        : plural(Number(planned), { one: "# linked record of the target is gone and is made again.", other: "# linked records of the target are gone and are made again." });
    case "otherAccount":
      return holds
        ? t`The links are to records of ${limit}, and the connection leads to ${planned} now. Authorize it for ${limit} again; if ${planned} is right, look at the plan and allow it for this run.`
        : t`The links were to records of ${limit}, and lead to ${planned} from this run on.`;
    case "maxDeletes":
      return holds
        ? t`${plural(Number(planned), { one: "# delete is planned", other: "# deletes are planned" })}, ${allowed(limit)}. ${plural(Number(planned), { one: "Look at it; if it is right, allow it for this run.", other: "Look at them; if they are right, allow # for this run." })}`
        : t`Deletes: ${planned}, up to ${limit} allowed.`;
    case "maxDeletePercent":
      return t`Deletes: ${planned} of the linked records, up to ${limit} allowed.`;
    case "maxUpdatePercent":
      return t`Updates: ${planned} of the linked records, up to ${limit} allowed.`;
    case "maxCreates":
      return t`Creates: ${planned}, up to ${limit} allowed.`;
    default:
      return /[.!?]$/.test(message) ? message : `${message}.`;
  }
}

/** "5 are allowed": what a guard lets through of deletes. */
function allowed(limit: string): string {
  return plural(Number(limit), { 0: "none is allowed", one: "# is allowed", other: "# are allowed" });
}

/** Why a release is asked for at all, to somebody who has read what the guard advises. */
export function limitWords(guard: GuardRow, losses: number): string {
  return guard.name === "maxDeletes" ? t`Without asking, ${allowed(guard.limit)} in one run.` : guardWords(guard, losses);
}
