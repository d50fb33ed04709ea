import { t } from "@lingui/core/macro";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { number, tenth } from "../../words/numbers";
import { duration } from "../../words/time";

/** How far a run was at a moment. */
export interface Mark {
  at: number;
  stage: string;
  processed: number;
}

/** What is remembered: long enough to be calm, short enough to follow a change of pace. */
const WINDOW = 12_000;

/** The marks with this one after them; a new stage starts anew. */
export function marked(marks: Mark[], run: Pick<RunSummary, "stage" | "processed">, at: number): Mark[] {
  const kept = marks.filter((mark) => mark.stage === run.stage && mark.processed <= run.processed && at - mark.at <= WINDOW);
  return [...kept, { at, stage: run.stage, processed: run.processed }];
}

/** Records a second, once there is enough to tell. */
export function rateOf(marks: Mark[]): number | null {
  const [first] = marks;
  const last = marks.at(-1);
  if (!first || !last || last.at - first.at < 900) return null;
  const rate = ((last.processed - first.processed) * 1000) / (last.at - first.at);
  return rate > 0 ? rate : null;
}

/** "1,200 records/s, about 3 min left" */
export function paceWords(marks: Mark[], total: number | null): string {
  const rate = rateOf(marks);
  const last = marks.at(-1);
  if (rate === null || !last) return "";
  const words = t`${rate < 10 ? tenth(rate) : number(Math.round(rate))} records/s`;
  const left = total === null ? 0 : total - last.processed;
  return left > 0 ? t`${words}, about ${duration(Math.max(1000, (left / rate) * 1000))} left` : words;
}
