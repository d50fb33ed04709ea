import { t } from "@lingui/core/macro";

import { SITUATIONS } from "../../../words/situations";
import { type Doc, isScript, policiesOf, type Policy, withKey } from "./document";

export type Pattern = "readOnly" | "default" | "oneWay" | "twoWay" | "authoritative" | "linkOnly" | "outbound" | "custom";

export interface PatternWords {
  id: Exclude<Pattern, "custom">;
  label: string;
  /** What it is for. */
  help: string;
  /** What it does where it differs: from the default actions, or from nothing at all. */
  base: "default" | "nothing";
  actions: Record<string, string>;
}

export const PATTERNS: PatternWords[] = [
  { id: "default", label: t`Default actions`, help: t`Creates, links and updates; what is missing on a side is for a person to decide.`, base: "default", actions: {} },
  { id: "readOnly", label: t`Read-only`, help: t`Looks and lists, and writes nothing.`, base: "nothing", actions: {} },
  { id: "oneWay", label: t`One-way`, help: t`The target follows the source: what is missing there is made again, and what is gone at the source is deleted. The guards still count.`, base: "default", actions: { MISSING: "CREATE", SOURCE_MISSING: "DELETE", LINK_ONLY: "UNLINK" } },
  { id: "twoWay", label: t`Two-way`, help: t`For one mapping of a pair: what only the target has is left to the other mapping, and nothing is deleted.`, base: "default", actions: { UNASSIGNED: "IGNORE", UNQUALIFIED: "UNLINK" } },
  { id: "authoritative", label: t`Authoritative source`, help: t`The source says who exists; a record that went missing at the target is made again.`, base: "default", actions: { MISSING: "CREATE", TARGET_IGNORED: "EXCEPTION" } },
  { id: "linkOnly", label: t`Link only`, help: t`Links what matches and leaves every value as it is.`, base: "nothing", actions: { FOUND: "LINK" } },
  { id: "outbound", label: t`Known accounts only`, help: t`Updates linked accounts, deletes those that no longer qualify, and makes none.`, base: "nothing", actions: { CONFIRMED: "UPDATE", UNQUALIFIED: "DELETE" } },
];

/** A situation's policies, each with its place in the document's list. */
export interface SituationPolicies {
  situation: string;
  policies: { policy: Policy; index: number }[];
}

export function bySituation(doc: Doc): SituationPolicies[] {
  const all = policiesOf(doc).map((policy, index) => ({ policy, index }));
  return SITUATIONS.map(({ name }) => ({ situation: name, policies: all.filter(({ policy }) => policy.situation.toUpperCase() === name) }));
}

/** The pattern that the policies follow; anything with a condition or a script is its own. */
export function patternOf(doc: Doc): Pattern {
  const rows = bySituation(doc);
  const simple = (wanted: (situation: (typeof SITUATIONS)[number]) => string) =>
    rows.every(({ policies }, index) => {
      const situation = SITUATIONS[index];
      if (!situation || policies.length > 1) return false;
      const policy = policies[0]?.policy;
      if (!policy) return wanted(situation) === situation.standard;
      return policy.condition === undefined && policy.postAction === undefined && policy.action === wanted(situation);
    });
  return PATTERNS.find((pattern) => simple(({ name, standard }) => actionIn(pattern, name, standard)))?.id ?? "custom";
}

function actionIn({ base, actions }: PatternWords, situation: string, standard: string): string {
  return actions[situation] ?? (base === "default" ? standard : "ASYNC");
}

export function withPattern(doc: Doc, id: PatternWords["id"]): Doc {
  const pattern = PATTERNS.find((one) => one.id === id);
  return pattern ? { ...doc, policies: SITUATIONS.map(({ name, standard }) => ({ situation: name, action: actionIn(pattern, name, standard) })) } : doc;
}

/** A new policy behind those of its situation; the first one that applies counts. */
export function withNewPolicy(doc: Doc, policy: Policy): { doc: Doc; index: number } {
  const list = policiesOf(doc);
  const last = list.findLastIndex(({ situation }) => situation.toUpperCase() === policy.situation);
  const index = last < 0 ? list.length : last + 1;
  return { doc: withKey(doc, "policies", [...list.slice(0, index), policy, ...list.slice(index)]), index };
}

/** A policy that can never be reached, because one before it in its situation always applies. */
export function isUnreachable({ policies }: SituationPolicies, position: number): boolean {
  return policies.slice(0, position).some(({ policy }) => policy.condition === undefined);
}

export function conditionText(policy: Policy): string {
  if (policy.condition === undefined) return "";
  return isScript(policy.condition) ? (policy.condition.source ?? policy.condition.file ?? t`script`).split("\n", 1)[0] ?? "" : policy.condition;
}
