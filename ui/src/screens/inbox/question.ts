import { t } from "@lingui/core/macro";

import type { InboxAnswer } from "../../backend/bindings/InboxAnswer";
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
  targetGone: { title: t`Its record is gone`, means: t`It can be made again; or restore it where it was deleted.` },
  sourceGone: { title: t`Its source is gone`, means: t`Say what becomes of the record that came of it.` },
  alreadyLinked: { title: t`Taken`, means: t`As long as it is, nothing else can be linked to it: remove that link if it is wrong, or correct the record that matches by mistake.` },
};

export function kindOf(question: InboxQuestion): { title: string; means: string } {
  if (question.kind === "alreadyLinked" && !isTaken(question)) return { title: t`Its owner is gone`, means: t`The link that it had can give way to this one.` };
  return KINDS[question.kind] ?? { title: question.kind, means: "" };
}

/** Whether the only record that matches belongs to another one that is there: no answer here can take it away. */
export function isTaken(question: InboxQuestion): boolean {
  return question.kind === "alreadyLinked" && question.detail["ownerGone"] !== true;
}

/** Whether one of the records that it names can be chosen for a link. */
export function offersLink(question: InboxQuestion): boolean {
  return question.kind !== "sourceGone" && !isTaken(question) && candidatesOf(question).length > 0;
}

/** The source record to which the one that matches belongs. */
export function ownerOf(question: InboxQuestion): string | null {
  const owner = question.detail["owner"];
  return typeof owner === "string" ? owner : null;
}

export function conflictsOf(question: InboxQuestion): Conflict[] {
  const list = question.detail["conflicts"];
  return Array.isArray(list) ? list.filter((item): item is Conflict => typeof item === "object" && item !== null && typeof (item as Conflict).attribute === "string") : [];
}

/** The records that a source may be linked to, each once; of a source that is gone, the one that came of it. */
export function candidatesOf(question: InboxQuestion): string[] {
  return [...new Set([...question.targets, ...(question.target === null ? [] : [question.target])])];
}

/** What an answer brought about, by name. The backend's words about it, which hold ids, say what became of the record. */
export function answeredWords(choice: InboxAnswer["choice"], { title, target }: { title: string; target: string }, message: string): string {
  const [, ...rest] = message.split(";");
  const outcome = rest.join(";").trim();
  switch (choice) {
    case "link":
      return outcome === "" ? t`${title} is linked to ${target}` : t`${title} is linked to ${target}: ${outcome}`;
    case "dismiss":
      return t`${title} was put away`;
    default:
      return t`${title}: ${message}`;
  }
}
