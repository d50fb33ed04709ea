import type { RunSummary } from "../backend/bindings/RunSummary";
import { count, number } from "./numbers";
import { ago, fullTime } from "./time";
import type { Tone } from "../parts/State";

const MODES: Record<RunSummary["mode"], string> = { preview: "Preview", reconcile: "Reconciliation", apply: "Reconciliation" };

/** "Preview of <mapping>"; an undo is named after the run that it takes back, `undone`, where that one is known. */
export function runName(run: RunSummary, undone?: RunSummary): string {
  return run.undoes === null ? `${MODES[run.mode]} of ${run.mapping}` : undoName(undone);
}

/** "Undo of the run of 12 Jun 2026, 14:05:31". */
export function undoName(undone: RunSummary | undefined): string {
  return undone ? `Undo of the run of ${fullTime(undone.started)}` : "Undo of an earlier run";
}

const PURPOSES: Record<RunSummary["mode"], string> = { preview: "Preview", reconcile: "Reconcile", apply: "Reconcile a plan" };

/** What a run was started for, in a few words. */
export function runPurpose(run: RunSummary): string {
  if (run.undoes === null) return PURPOSES[run.mode];
  return isLook(run) ? "Undo preview" : "Undo";
}

/** Whether a run has written something that another run can take back. */
export function canUndo(run: RunSummary): boolean {
  return run.done > 0 && run.state !== "active" && run.state !== "planned" && run.state !== "held";
}

/** Whether a run stopped among its writes, so that the rest of its plan can be carried out. */
export function canGoOn(run: RunSummary): boolean {
  if (run.state === "paused") return true;
  const stopped = run.state === "interrupted" || run.state === "canceled" || run.state === "failed";
  // Changes are those that are done and those that are still to be made; failed ones are neither.
  return stopped && run.mode !== "preview" && run.done < run.changes && (run.state === "interrupted" || run.done + run.failed > 0);
}

/** How many records of a run are left to be looked at again. */
export function leftOver(run: RunSummary): number {
  const ended = run.state === "success" || run.state === "failed" || run.state === "canceled" || run.state === "interrupted";
  return ended && run.undoes === null ? run.failed + run.needsYou : 0;
}

/** A run's state in a word or two, and how loud it is. */
export function runState(run: RunSummary): { tone: Tone; text: string } {
  switch (run.state) {
    case "active":
      return { tone: "busy", text: "Running" };
    case "planned":
      return { tone: "off", text: "Planned" };
    case "held":
      return { tone: "needs", text: "Held" };
    case "canceled":
      return { tone: "off", text: "Canceled" };
    case "failed":
      return { tone: "needs", text: "Failed" };
    case "interrupted":
      return { tone: "waits", text: "Interrupted" };
    case "paused":
      return { tone: "waits", text: "Resting" };
    case "success":
      return run.failed > 0 || run.needsYou > 0
        ? { tone: "needs", text: run.failed > 0 ? "Some failed" : "Needs you" }
        : { tone: "fine", text: "Done" };
  }
}

/** A preview whose plan was not carried out. */
function isLook(run: RunSummary): boolean {
  return run.mode === "preview" && run.done === 0;
}

/** The rest of a run in words: "96 changes done, 2 failed, 7 need you". */
export function runOutcome(run: RunSummary): string {
  const parts: string[] = [];
  if (run.state === "planned" || run.state === "held") {
    parts.push(run.changes === 0 ? "nothing to change" : `${count(run.changes, "change")} planned`);
  } else if (isLook(run)) {
    if (run.changes > 0) parts.push(`${count(run.changes, "change")} found`);
  } else {
    if (run.changes > 0 || run.failed === 0) parts.push(run.changes === 0 ? "nothing to change" : `${number(run.done)} of ${count(run.changes, "change")} done`);
  }
  if (run.failed > 0) parts.push(`${number(run.failed)} failed`);
  if (run.needsYou > 0) parts.push(`${number(run.needsYou)} need${run.needsYou === 1 ? "s" : ""} you`);
  return parts.join(", ");
}

/** The last run of a mapping in one line. */
export function lastRunWords(run: RunSummary | null, now: number): string {
  if (!run) return "Not yet reconciled";
  if (run.state === "active") return run.stageDescription || "Running";
  const what = run.undoes !== null ? runPurpose(run) : isLook(run) ? "Preview" : "Last run";
  const when = ago(run.ended ?? run.started, now);
  const outcome = runOutcome(run);
  const ended = run.state === "failed" ? "failed" : run.state === "canceled" ? "canceled" : run.state === "held" ? "held" : run.state === "interrupted" ? "interrupted" : run.state === "paused" ? "resting" : "";
  return [`${what} ${when}`, [ended, outcome].filter(Boolean).join("; ")].filter(Boolean).join(": ");
}

/** What the button that carries out a plan says. */
export function carryOutLabel(run: RunSummary): string {
  return `${run.undoes === null ? "Reconcile" : "Undo"} ${count(run.changes, "change")}`;
}
