import { t } from "@lingui/core/macro";

import type { Tone } from "../parts/State";

export interface SituationWords {
  name: string;
  /** What the name says to a person who has never read IDM's manual. */
  meaning: string;
  tone: Tone;
  /** What is done where no policy says otherwise. */
  standard: string;
  /** What else makes sense; anything else is possible too. */
  permitted: string[];
}

const REPORTS = ["IGNORE", "REPORT", "NOREPORT", "ASYNC"];
const EXCEPTION = ["EXCEPTION", ...REPORTS];

/** The thirteen situations in the order of IDM's screens: what needs a person first, what is well last. */
export const SITUATIONS: SituationWords[] = [
  { name: "AMBIGUOUS", meaning: t`several records match; a person has to choose`, tone: "needs", standard: "EXCEPTION", permitted: REPORTS },
  { name: "SOURCE_MISSING", meaning: t`the source record of this target record is gone`, tone: "needs", standard: "EXCEPTION", permitted: ["DELETE", "UNLINK", ...REPORTS] },
  { name: "MISSING", meaning: t`linked, but the target record is gone`, tone: "needs", standard: "EXCEPTION", permitted: ["CREATE", "UNLINK", ...REPORTS] },
  { name: "FOUND_ALREADY_LINKED", meaning: t`the matching record belongs to another source record`, tone: "needs", standard: "EXCEPTION", permitted: REPORTS },
  { name: "UNQUALIFIED", meaning: t`the source record does not qualify for this mapping, but has a target record`, tone: "needs", standard: "DELETE", permitted: ["UNLINK", ...EXCEPTION] },
  { name: "UNASSIGNED", meaning: t`a target record that no source record accounts for`, tone: "needs", standard: "EXCEPTION", permitted: ["DELETE", ...REPORTS] },
  { name: "LINK_ONLY", meaning: t`only the link is left; both records are gone`, tone: "needs", standard: "EXCEPTION", permitted: ["UNLINK", ...REPORTS] },
  { name: "TARGET_IGNORED", meaning: t`the target record does not qualify for this mapping`, tone: "waits", standard: "IGNORE", permitted: ["DELETE", "UNLINK", "EXCEPTION", "REPORT", "NOREPORT", "ASYNC"] },
  { name: "SOURCE_IGNORED", meaning: t`the source record does not qualify for this mapping`, tone: "waits", standard: "IGNORE", permitted: ["EXCEPTION", "REPORT", "NOREPORT", "ASYNC"] },
  { name: "ALL_GONE", meaning: t`nothing is left of this record`, tone: "waits", standard: "IGNORE", permitted: ["EXCEPTION", "REPORT", "NOREPORT", "ASYNC"] },
  { name: "CONFIRMED", meaning: t`linked, and both records are there`, tone: "fine", standard: "UPDATE", permitted: REPORTS },
  { name: "FOUND", meaning: t`not linked yet; exactly one matching record was found`, tone: "fine", standard: "UPDATE", permitted: ["LINK", ...EXCEPTION] },
  { name: "ABSENT", meaning: t`no matching record yet`, tone: "fine", standard: "CREATE", permitted: EXCEPTION },
];

export function situationWords(name: string): SituationWords | undefined {
  return SITUATIONS.find((situation) => situation.name === name.toUpperCase());
}

/** What a situation means; one that this window does not know yet in the backend's words. */
export function situationMeaning(name: string, otherwise: string): string {
  return situationWords(name)?.meaning ?? otherwise;
}

/** What an action does, in a sentence's tail. */
export const ACTION_HELP: Record<string, string> = {
  CREATE: t`make the target record and link it`,
  UPDATE: t`bring the target record in line, and link it if it is not`,
  LINK: t`link the two and leave the target record as it is`,
  UNLINK: t`remove the link and leave the target record`,
  DELETE: t`delete the target record and its link`,
  EXCEPTION: t`a person has to decide; the record is listed as one that needs you`,
  IGNORE: t`do nothing, leave an entry`,
  REPORT: t`do nothing, leave an entry, run the script on complete`,
  NOREPORT: t`do nothing and leave no entry, run the script on complete`,
  ASYNC: t`do nothing here: read-only`,
};
