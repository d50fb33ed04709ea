import { useState } from "react";

import type { RunDetail } from "../../backend/bindings/RunDetail";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Button } from "../../parts/Button";
import { Confirm, useOpen } from "../../parts/Dialog";
import { Notice, Problem } from "../../parts/Problem";
import { Progress } from "../../parts/Progress";
import { State } from "../../parts/State";
import { count, number } from "../../words/numbers";
import { reconcileLabel, runOutcome, runState } from "../../words/run";
import { duration } from "../../words/time";
import { useApplyRun, useCancelRun } from "./queries";
import { SegmentBar } from "./SegmentBar";
import { recordsRead, segments } from "./segments";

/** What a run found or did, what the guards say, and the button for what comes next. */
export function RunHead({ detail, heading, onApplied, onDiscard }: { detail: RunDetail; heading?: string; onApplied: (run: RunSummary) => void; onDiscard: () => void }) {
  const { summary } = detail;
  const apply = useApplyRun();
  const cancel = useCancelRun();
  const active = summary.state === "active";
  const start = (allowDeletes: number | null) => apply.mutate({ id: summary.id, allowDeletes }, { onSuccess: onApplied });
  const state = runState(summary);
  return (
    <div className="flex flex-col gap-2.5">
      <div className="flex min-h-7 items-center gap-3">
        {heading && <h2 className="font-semibold">{heading}</h2>}
        <State tone={state.tone}>{state.text}</State>
        <span role="status" className="min-w-0 flex-1 truncate text-soft">
          {runFigures(detail)}
          {!active && runOutcome(summary) && <span className="text-ink"> {"\u00b7"} {runOutcome(summary)}</span>}
        </span>
        {active && (
          <Button busy={cancel.isPending} onClick={() => cancel.mutate(summary.id)}>
            Cancel
          </Button>
        )}
        {summary.state === "planned" && (
          <>
            {summary.changes > 0 ? (
              <Button look="primary" busy={apply.isPending} onClick={() => start(null)}>
                {reconcileLabel(summary.changes)}
              </Button>
            ) : (
              <span className="text-fine">Nothing to reconcile</span>
            )}
            <Button onClick={onDiscard}>Discard</Button>
          </>
        )}
        {summary.state === "held" && (
          <>
            <Release detail={detail} busy={apply.isPending} onRelease={start} />
            <Button onClick={onDiscard}>Discard</Button>
          </>
        )}
      </div>
      {active ? (
        <div className="flex flex-col gap-1">
          <span className="text-soft">{summary.stageDescription}</span>
          <Progress label={`Progress of ${summary.mapping}`} done={summary.processed} total={summary.total} />
        </div>
      ) : (
        <SegmentBar segments={segments(detail)} />
      )}
      {!active && <Guards detail={detail} />}
      {summary.message && !active && (
        <Notice tone={summary.state === "failed" || summary.state === "held" ? "needs" : "off"} live={summary.state === "failed" || summary.state === "held" ? "alert" : undefined}>
          <bdi>{summary.message}</bdi>
        </Notice>
      )}
      {apply.error && <Problem error={apply.error} />}
      {cancel.error && <Problem error={cancel.error} />}
      <Causes detail={detail} />
    </div>
  );
}

/** "read 4,815 records, 49 calls, 6 s" */
export function runFigures(detail: RunDetail): string {
  const { summary } = detail;
  const read = recordsRead(detail);
  return [read > 0 ? `read ${count(read, "record")}` : "reading", count(summary.calls, "call"), duration(summary.durationMs)].join(", ");
}

function Guards({ detail }: { detail: RunDetail }) {
  if (detail.guards.length === 0) return null;
  const held = detail.guards.some((guard) => !guard.holds);
  return (
    <p className="flex flex-wrap gap-x-1.5 text-soft">
      <span>Guards:</span>
      {detail.guards.map((guard) => (
        <span key={guard.name} title={guard.message} className={guard.holds ? "" : "font-medium text-needs"}>
          {guard.name} {guard.planned} of {guard.limit} allowed{"."}
        </span>
      ))}
      <span className={held ? "text-needs" : "text-fine"}>{held ? "Stopped before the first write." : "Fine."}</span>
    </p>
  );
}

/** A held run goes on only when a person has read how much it would delete. */
function Release({ detail, busy, onRelease }: { detail: RunDetail; busy: boolean; onRelease: (allowDeletes: number | null) => void }) {
  const asking = useOpen();
  const deletes = detail.actions.find((action) => action.name === "DELETE")?.count ?? 0;
  const [title, action] = deletes > 0 ? [`Delete ${count(deletes, "record")}?`, `Delete ${number(deletes)} and reconcile`] : ["Reconcile although a guard holds it?", reconcileLabel(detail.summary.changes)];
  return (
    <>
      <Button look="danger" busy={busy} onClick={asking.show}>
        {deletes > 0 ? `Allow ${count(deletes, "delete")} for this run` : `Allow ${count(detail.summary.changes, "change")} for this run`}
      </Button>
      <Confirm
        title={title}
        action={action}
        open={asking.open}
        onClose={asking.hide}
        onConfirm={() => {
          asking.hide();
          onRelease(deletes > 0 ? deletes : null);
        }}
      >
        <p>
          <bdi>{detail.summary.message}</bdi>
        </p>
        <p>The limit stays as it is for every other run.</p>
      </Confirm>
    </>
  );
}

/** Failures by cause, most first: one line each instead of one per record. */
function Causes({ detail }: { detail: RunDetail }) {
  const [all, setAll] = useState(false);
  if (detail.causes.length === 0) return null;
  const shown = all ? detail.causes : detail.causes.slice(0, 3);
  return (
    <section aria-label="Failures by cause">
      <h2 className="mb-1 text-sm text-soft">Why records failed</h2>
      <ul className="flex flex-col gap-0.5">
        {shown.map((cause) => (
          <li key={cause.name} className="flex gap-2">
            <span className="w-12 shrink-0 text-right font-medium text-needs">{number(cause.count)}</span>
            <bdi className="min-w-0 truncate" title={cause.meaning}>
              {cause.meaning || cause.name}
            </bdi>
          </li>
        ))}
      </ul>
      {detail.causes.length > 3 && (
        <Button look="quiet" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${count(detail.causes.length - 3, "more cause")}`}
        </Button>
      )}
    </section>
  );
}
