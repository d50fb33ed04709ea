import { t } from "@lingui/core/macro";

import type { Count } from "../../backend/bindings/Count";
import type { RunDetail } from "../../backend/bindings/RunDetail";
import type { Tone } from "../../parts/State";
import { ACTION_ORDER, actionWords } from "../../words/actions";
import { toGo } from "../../words/run";
import { ACTION_HELP, situationMeaning, SITUATIONS, situationWords } from "../../words/situations";

export interface Segment {
  name: string;
  label: string;
  meaning: string;
  count: number;
  fill: string;
}

const sum = (counts: Count[]) => counts.reduce((total, { count }) => total + count, 0);

/** Known actions in their order, unknown ones after them. */
function place(name: string): number {
  const index = ACTION_ORDER.indexOf(name);
  return index === -1 ? ACTION_ORDER.length : index;
}

/** How many records a run has looked at: every one of them is in one situation. */
export function recordsRead(detail: RunDetail): number {
  return Math.max(sum(detail.situations), sum(detail.actions));
}

/** What would change a record, if it were done. */
export const CHANGING = new Set(["CREATE", "UPDATE", "DELETE", "LINK", "UNLINK"]);

/** The actions that were not needed after all, as far as the counts tell which: their records are left as they are. */
function withoutNeedless({ actions, planned, summary }: RunDetail): Count[] {
  const changing = actions.filter(({ name }) => CHANGING.has(name));
  const asked = actions.find(({ name }) => name === "EXCEPTION")?.count ?? 0;
  const apart = summary.failed + Math.max(summary.needsYou - asked, 0);
  const left = sum(changing) - summary.changes - apart;
  if (left <= 0) return actions;
  const plan = summary.state === "planned" || summary.state === "held";
  const needed = (name: string, count: number) => {
    if (summary.changes + apart === 0) return 0;
    if (changing.length === 1) return count - left;
    return plan && apart === 0 ? (planned.find((one) => one.name === name)?.count ?? 0) : count;
  };
  const kept = actions.map((one) => (CHANGING.has(one.name) ? { ...one, count: needed(one.name, one.count) } : one));
  const needless = sum(actions) - sum(kept);
  return needless > 0 ? [...kept, { name: LEFT, meaning: t`looked like a change, and none was needed; the records say why`, count: needless }] : actions;
}

const LEFT = "LEFT_AS_IT_IS";

/** The parts of the bar, in a fixed order. Records without an action of their own are unchanged. */
export function segments(detail: RunDetail): Segment[] {
  return parts(detail, withoutNeedless(detail));
}

/** The actions of the entries, by which they are filtered. */
export function actionCounts(detail: RunDetail): Segment[] {
  return parts(detail, detail.actions).filter(({ name }) => name !== "UNCHANGED");
}

function parts(detail: RunDetail, actions: Count[]): Segment[] {
  const counts = [...actions];
  const rest = recordsRead(detail) - sum(counts);
  if (rest > 0) counts.push({ name: "UNCHANGED", meaning: "", count: rest });
  return counts
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => place(a.name) - place(b.name))
    .map(({ name, meaning, count }) => ({ name, meaning: name === "UNCHANGED" ? t`linked, and both sides agree already` : (ACTION_HELP[name] ?? meaning), count, label: actionWords(name).label, fill: actionWords(name).fill }));
}

export const STALE_MEANS = t`changes whose record had changed since they were planned; nothing was written to it`;

/** What became of the planned changes. Nothing where all of them were made, or none was begun: then the plan says it all. */
export function outcomeSegments({ summary }: RunDetail): Segment[] {
  const { mode, state, done, failed, stale } = summary;
  const left = toGo(summary);
  const looked = mode === "preview" && done === 0;
  if (looked || state === "planned" || state === "held" || state === "active" || failed + stale + left === 0) return [];
  return [
    { name: "DONE", label: t`made`, meaning: t`changes that were made`, count: done, fill: "bg-bar-create" },
    { name: "FAILED", label: t`failed`, meaning: t`changes that were refused or went wrong; the records say why`, count: failed, fill: "bg-bar-needs" },
    { name: "STALE", label: t`not made`, meaning: STALE_MEANS, count: stale, fill: "bg-bar-skip" },
    { name: "LEFT", label: t`not come to`, meaning: t`changes that this run has not come to`, count: left, fill: "bg-bar-unchanged" },
  ].filter(({ count }) => count > 0);
}

const TONES: Record<Tone, string> = { fine: "bg-bar-link", waits: "bg-bar-skip", needs: "bg-bar-needs", off: "bg-bar-unchanged", busy: "bg-bar-update" };

/** The same records by IDM's situations: what is well first, what needs a person last. A colour stands for what becomes of them. */
export function situationSegments(detail: RunDetail): Segment[] {
  const does = new Set(detail.actions.filter(({ count }) => count > 0).map(({ name }) => name));
  const fill = (name: string) => {
    // These were found by the run that is undone, and say nothing about what is done now.
    if (detail.summary.undoes !== null) return "bg-bar-unchanged";
    const own = OF_ACTIONS[name];
    if (own && own.actions.some((action) => does.has(action))) return own.fill;
    const tone = situationWords(name)?.tone ?? "off";
    if (tone === "needs") return detail.summary.needsYou > 0 ? TONES.needs : TONES.waits;
    return own && name !== "CONFIRMED" ? TONES.waits : (own?.fill ?? TONES[tone]);
  };
  const order = [...FINE, ...SITUATIONS.map(({ name }) => name).filter((name) => !FINE.includes(name)).toReversed()];
  return detail.situations
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
    .map(({ name, meaning, count }) => ({ name, meaning: situationMeaning(name, meaning), count, label: name, fill: fill(name) }));
}

const FINE = ["CONFIRMED", "FOUND", "ABSENT"];

/** The commonest stand out from their like, where the run does with them what is mostly done. */
const OF_ACTIONS: Record<string, { fill: string; actions: string[] }> = {
  CONFIRMED: { fill: "bg-bar-unchanged", actions: ["UPDATE"] },
  ABSENT: { fill: "bg-bar-create", actions: ["CREATE"] },
  FOUND: { fill: "bg-bar-update", actions: ["UPDATE", "LINK"] },
  SOURCE_MISSING: { fill: "bg-bar-delete", actions: ["DELETE", "UNLINK"] },
  UNQUALIFIED: { fill: "bg-bar-delete", actions: ["DELETE", "UNLINK"] },
};
