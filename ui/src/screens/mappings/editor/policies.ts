import { SITUATIONS } from "../../../words/situations";
import { type Doc, isScript, policiesOf, type Policy, withKey } from "./document";

export type Pattern = "readOnly" | "default" | "custom";

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
  if (simple(({ standard }) => standard)) return "default";
  return simple(() => "ASYNC") ? "readOnly" : "custom";
}

export function withPattern(doc: Doc, pattern: "readOnly" | "default"): Doc {
  return { ...doc, policies: SITUATIONS.map(({ name, standard }) => ({ situation: name, action: pattern === "readOnly" ? "ASYNC" : standard })) };
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
  return isScript(policy.condition) ? (policy.condition.source ?? policy.condition.file ?? "script").split("\n", 1)[0] ?? "" : policy.condition;
}
