import { plural, t } from "@lingui/core/macro";

import type { RunSummary } from "../backend/bindings/RunSummary";
import { saidBy, sentence } from "./error";
import { number } from "./numbers";
import { ago, fullTime } from "./time";
import type { Tone } from "../parts/State";

/** "Preview of <mapping>"; an undo is named after the run that it takes back, `undone`, where that one is known. */
export function runName(run: RunSummary, undone?: RunSummary): string {
  if (run.undoes !== null) return undoName(undone);
  return run.mode === "preview" ? t`Preview of ${run.mapping}` : t`Reconciliation of ${run.mapping}`;
}

/** "Undo of the run of 12 Jun 2026, 14:05:31". */
export function undoName(undone: RunSummary | undefined): string {
  return undone ? t`Undo of the run of ${fullTime(undone.started)}` : t`Undo of an earlier run`;
}

const PURPOSES: Record<RunSummary["mode"], string> = { preview: t`Preview`, reconcile: t`Reconcile`, apply: t`Reconcile a plan` };

/** What a run was started for, in a few words. */
export function runPurpose(run: RunSummary): string {
  if (run.undoes === null) return PURPOSES[run.mode];
  return isLook(run) ? t`Undo preview` : t`Undo`;
}

const STAGES: Record<string, string> = {
  ACTIVE_INITIALIZED: t`getting ready`,
  ACTIVE_QUERY_ENTRIES: t`reading the records of both sides`,
  ACTIVE_RECONCILING_SOURCE: t`comparing the records of the source`,
  ACTIVE_RECONCILING_TARGET: t`writing to the target`,
  ACTIVE_PROCESSING_RESULTS: t`noting the results`,
  ACTIVE_CANCELING: t`canceling`,
};

/** What a run is doing now. */
export function stageWords(run: RunSummary): string {
  return STAGES[run.stage] ?? (run.stageDescription || t`running`);
}

/** Whether a run has written something that another run can take back. */
export function canUndo(run: RunSummary): boolean {
  return run.done > 0 && run.state !== "active" && run.state !== "planned" && run.state !== "held";
}

/** Whether a run stopped among its writes, so that the rest of its plan can be carried out. */
export function canGoOn(run: RunSummary): boolean {
  if (run.state === "paused") return true;
  const stopped = run.state === "interrupted" || run.state === "canceled" || run.state === "failed";
  return stopped && run.mode !== "preview" && toGo(run) > 0 && (run.state === "interrupted" || run.done + run.failed > 0);
}

/** How many planned changes a run has not come to. Changes are those that are done, were overtaken or are still to be made; failed ones are none. */
export function toGo(run: RunSummary): number {
  return Math.max(run.changes - run.done - run.stale, 0);
}

/** What a run says of itself. One that stopped before its first write has left nothing that could stay. */
export function runMessage(run: RunSummary): string {
  const message = run.message ?? "";
  return run.done === 0 ? message.replace(/what was done until then stays/, t`nothing was changed`) : message;
}

/** How many records of a run are left to be looked at again. */
export function leftOver(run: RunSummary): number {
  const ended = run.state === "success" || run.state === "failed" || run.state === "canceled" || run.state === "interrupted";
  return ended && run.undoes === null ? run.failed + run.stale + run.needsYou : 0;
}

/** A run's state in a word or two, and how loud it is. */
export function runState(run: RunSummary): { tone: Tone; text: string } {
  switch (run.state) {
    case "active":
      return { tone: "busy", text: t`Running` };
    case "planned":
      return { tone: "off", text: t`Planned` };
    case "held":
      return { tone: "needs", text: t`Held` };
    case "canceled":
      return { tone: "off", text: t`Canceled` };
    case "failed":
      return { tone: "needs", text: t`Failed` };
    case "interrupted":
      return { tone: "waits", text: t`Interrupted` };
    case "paused":
      return { tone: "waits", text: t`Resting` };
    case "success":
      if (run.failed > 0 || run.needsYou > 0) return { tone: "needs", text: run.failed > 0 ? t`Some failed` : t`Needs you` };
      return run.stale > 0 ? { tone: "waits", text: t`Partly done` } : { tone: "fine", text: t`Done` };
  }
}

/** A preview whose plan was not carried out. */
export function isLook(run: RunSummary): boolean {
  return run.mode === "preview" && run.done === 0;
}

/** Whether a run ended or rests before its end, so that what it counts is not all there is. */
export function stoppedEarly(run: RunSummary): boolean {
  return run.state === "failed" || run.state === "canceled" || run.state === "interrupted" || run.state === "held" || run.state === "paused";
}

/** A run that plans no change found that there is none only if it came to its end. */
function nothing(run: RunSummary): string {
  return stoppedEarly(run) ? t`nothing was changed` : t`nothing to change`;
}

/** What a run came to, in a line; one that failed says why, and so does one that stopped before it could plan a change. */
export function runResult(run: RunSummary, loudFirst = false): string {
  const outcome = runOutcome(run, loudFirst);
  const message = runMessage(run);
  if (!message || !stoppedEarly(run)) return outcome || sentence(message);
  if (run.changes === 0 && run.failed === 0 && run.needsYou === 0) return saidBy(message);
  return run.state === "failed" ? sentence([outcome, saidBy(message)].filter(Boolean).join("; ")) : outcome || saidBy(message);
}

/** The rest of a run in words: "96 changes done, 2 failed, 7 need you"; or what is loudest before the rest. */
export function runOutcome(run: RunSummary, loudFirst = false): string {
  const parts: string[] = [];
  if (run.state === "planned" || run.state === "held") {
    parts.push(run.changes === 0 ? nothing(run) : t`${plural(run.changes, { one: "# change", other: "# changes" })} planned`);
  } else if (isLook(run)) {
    if (run.changes > 0) parts.push(t`${plural(run.changes, { one: "# change", other: "# changes" })} found`);
  } else {
    if (run.changes > 0 || run.failed === 0) parts.push(run.changes === 0 ? nothing(run) : t`${number(run.done)} of ${plural(run.changes, { one: "# change", other: "# changes" })} done`);
  }
  if (run.failed > 0) parts.push(t`${number(run.failed)} failed`);
  if (run.stale > 0) parts.push(t`${number(run.stale)} not made`);
  if (run.needsYou > 0) parts.push(plural(run.needsYou, { one: "# needs you", other: "# need you" }));
  return (loudFirst ? parts.toReversed() : parts).join(", ");
}

const ENDED: Partial<Record<RunSummary["state"], string>> = { failed: t`failed`, canceled: t`canceled`, held: t`held`, interrupted: t`interrupted`, paused: t`resting` };

/** The last run of a mapping in one line. */
export function lastRunWords(run: RunSummary | null, now: number): string {
  if (!run) return t`Not yet reconciled`;
  if (run.state === "active") return stageWords(run);
  const what = run.undoes !== null ? runPurpose(run) : isLook(run) ? t`Preview` : t`Last run`;
  const when = ago(run.ended ?? run.started, now);
  const outcome = runResult(run);
  const word = ENDED[run.state] ?? "";
  // Some say so themselves.
  const ended = outcome.toLowerCase().startsWith(word) ? "" : word;
  return [t({ message: `${what} ${when}`, comment: "What ran, and when: Last run 2 h ago" }), [ended, outcome].filter(Boolean).join("; ")].filter(Boolean).join(": ");
}

/** What the button that carries out a plan says. */
export function carryOutLabel(run: RunSummary): string {
  return run.undoes === null ? t`Reconcile ${plural(run.changes, { one: "# change", other: "# changes" })}` : t`Undo ${plural(run.changes, { one: "# change", other: "# changes" })}`;
}
