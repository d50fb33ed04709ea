import type { RunDetail } from "../../backend/bindings/RunDetail";
import { ACTION_ORDER, actionWords } from "../../words/actions";

export interface Segment {
  name: string;
  label: string;
  meaning: string;
  count: number;
  fill: string;
}

const sum = (counts: { count: number }[]) => counts.reduce((total, { count }) => total + count, 0);

/** Known actions in their order, unknown ones after them. */
function place(name: string): number {
  const index = ACTION_ORDER.indexOf(name);
  return index === -1 ? ACTION_ORDER.length : index;
}

/** How many records a run has looked at: every one of them is in one situation. */
export function recordsRead(detail: RunDetail): number {
  return Math.max(sum(detail.situations), sum(detail.actions));
}

/** The parts of the bar, in a fixed order. Records without an action of their own are unchanged. */
export function segments(detail: RunDetail): Segment[] {
  const counts = [...detail.actions];
  const rest = recordsRead(detail) - sum(counts);
  if (rest > 0) counts.push({ name: "UNCHANGED", meaning: "linked, and both sides agree already", count: rest });
  return counts
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => place(a.name) - place(b.name))
    .map(({ name, meaning, count }) => ({ name, meaning, count, label: actionWords(name).label, fill: actionWords(name).fill }));
}
