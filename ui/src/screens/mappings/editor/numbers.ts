import { t } from "@lingui/core/macro";

import { type Doc, isObject } from "./document";

/** The guards that are set in the editor, in its order. */
export const GUARDS: { name: string; label: string; help: string }[] = [
  { name: "maxDeletes", label: t`Deletes at most`, help: t`Deletes and unlinks in one run. 5 where nothing is set.` },
  { name: "maxDeletePercent", label: t`Deletes at most, in per cent`, help: t`Of the linked records.` },
  { name: "maxUpdatePercent", label: t`Updates at most, in per cent`, help: t`Of the linked records.` },
  { name: "maxCreates", label: t`Creates at most`, help: t`In one run.` },
];

/** How much a run takes together, and how many of them are kept. */
export const AMOUNTS: { name: string; label: string; help: string }[] = [
  { name: "reconSourceQueryPageSize", label: t`Source records together`, help: t`A run looks at so many of them at a time. 1000 where nothing is set; fewer take less memory.` },
  { name: "reconTargetQueryPageSize", label: t`Target records together`, help: t`The same for target records that no source record accounts for.` },
  { name: "taskThreads", label: t`Threads`, help: t`On so many records are judged side by side, though not on more than this computer has processors. 10 where nothing is set.` },
  { name: "keepRuns", label: t`Runs kept`, help: t`Older ones are forgotten with their records and can no longer be undone. 30 where nothing is set.` },
];

/** The number that a text says; the text itself where it says none, so that nothing typed is lost; nothing where it is empty. */
export function numberOr(text: string): unknown {
  if (text.trim() === "") return undefined;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Whether something else than a number stands where one belongs; `whole` where no fraction makes sense. */
export function isNoNumber(value: unknown, whole: boolean): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== "number" || value < 0 || (whole && !Number.isInteger(value));
}

/** Whether one of the mapping's numbers is none, which no program would read as a mapping. */
export function hasNoNumber(doc: Doc): boolean {
  const guards = isObject(doc["guards"]) ? doc["guards"] : {};
  return GUARDS.some(({ name }) => isNoNumber(guards[name], false)) || AMOUNTS.some(({ name }) => isNoNumber(doc[name], true));
}
