import { t } from "@lingui/core/macro";

import type { GuardRow } from "../backend/bindings/GuardRow";

/** How the plan stands to a guard, in a sentence; a guard that this window does not know speaks for itself. */
export function guardWords({ name, limit, planned, holds, message }: GuardRow): string {
  switch (name) {
    case "emptySource":
      return t`The source is empty. If that is right, switch on \u201cBelieve an empty source\u201d in the mapping; if not, check the source before you run it again.`;
    case "shortSource":
      return t`The source has ${planned} records, less than ${limit} linked ones. A source that lost so many is more often broken than right; check it before you allow the deletes.`;
    case "missingTargets":
      return holds
        ? t`${planned} linked records of the target are gone and would be made again: more than ${limit}. Check that the connection leads to the right account; if it does, allow it for this run.`
        : t`${planned} linked records of the target are gone and are made again.`;
    case "maxDeletes":
      return holds ? t`${planned} deletes are planned, ${limit} are allowed. Look at them; if they are right, allow ${planned} for this run.` : t`Deletes: ${planned} of ${limit} allowed.`;
    case "maxDeletePercent":
      return t`Deletes: ${planned} of the linked records, ${limit} allowed.`;
    case "maxUpdatePercent":
      return t`Updates: ${planned} of the linked records, ${limit} allowed.`;
    case "maxCreates":
      return t`Creates: ${planned} of ${limit} allowed.`;
    default:
      return /[.!?]$/.test(message) ? message : `${message}.`;
  }
}
