import { t } from "@lingui/core/macro";

import type { InboxQuestion } from "../../backend/bindings/InboxQuestion";

/** An attribute that was changed on both sides. */
export interface Conflict {
  attribute: string;
  source: unknown;
  target: unknown;
  base: unknown;
}

const KINDS: Record<string, { title: string; means: string }> = {
  ambiguous: { title: t`Several match`, means: t`Choose the record that it belongs to.` },
  conflict: { title: t`Both changed`, means: t`Choose whose value stays; the other side gets it.` },
  relink: { title: t`Its record is gone`, means: t`The record that it was linked to is gone, and another one matches.` },
  alreadyLinked: { title: t`Taken`, means: t`The record that matches belongs to another one.` },
};

export function kindOf(question: InboxQuestion): { title: string; means: string } {
  return KINDS[question.kind] ?? { title: question.kind, means: "" };
}

export function conflictsOf(question: InboxQuestion): Conflict[] {
  const list = question.detail["conflicts"];
  return Array.isArray(list) ? list.filter((item): item is Conflict => typeof item === "object" && item !== null && typeof (item as Conflict).attribute === "string") : [];
}

/** The records that a source may be linked to, each once. */
export function candidatesOf(question: InboxQuestion): string[] {
  return [...new Set([...question.targets, ...(question.target === null ? [] : [question.target])])];
}

/** What a link brought about, by name: "linked 12 to 34; updated" says ids first, and after them what became of the record. */
export function linkedWords(title: string, message: string): string {
  const outcome = message.slice(message.indexOf(";") + 1).trim();
  return message.includes(";") && outcome !== "" ? t`${title} is linked: ${outcome}` : t`${title} is linked`;
}
