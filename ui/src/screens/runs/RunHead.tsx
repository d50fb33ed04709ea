import { plural, t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { GuardRow } from "../../backend/bindings/GuardRow";
import type { RunDetail } from "../../backend/bindings/RunDetail";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import type { Trouble } from "../../backend/bindings/Trouble";
import { ask } from "../../backend/query";
import { Button } from "../../parts/Button";
import { whenFocusIsLost } from "../../parts/focusLost";
import { Confirm, useOpen } from "../../parts/Dialog";
import { GoButton } from "../../parts/GoButton";
import { Notice, Problem } from "../../parts/Problem";
import { Progress } from "../../parts/Progress";
import { State } from "../../parts/State";
import { errorWords, sentence } from "../../words/error";
import { fixWords } from "../../words/fix";
import { actionWords } from "../../words/actions";
import { guardWords, limitWords } from "../../words/guard";
import { number } from "../../words/numbers";
import { canGoOn, canUndo, carryOutLabel, leftOver, runMessage, runOutcome, runState, stageWords, stoppedEarly, toGo } from "../../words/run";
import { ago, duration, fullTime, until } from "../../words/time";
import { useNow } from "../../words/useNow";
import { TroubleButtons } from "../connectors/TroubleButtons";
import { DeleteEffects } from "../users/DeleteEffects";
import { connectorOf, FixButtons } from "./FixButtons";
import { type Mark, marked, paceWords } from "./pace";
import { useApplyRun, useCancelRun, useRunUnfinished, useStartRun, useUndoRun } from "./queries";
import { SegmentBar } from "./SegmentBar";
import { outcomeSegments, recordsRead, segments, situationSegments } from "./segments";

/** What a run found or did, what the guards say, and the button for what comes next. */
export function RunHead({ detail, heading, onRun, onDiscard, onCause, onOutcome }: {
  detail: RunDetail;
  heading?: string;
  onRun: (run: RunSummary) => void;
  onDiscard: () => void;
  /** The records that failed for a reason are to be shown. */
  onCause: (reason: string) => void;
  /** The records of which the changes failed, or were not made, are to be shown. */
  onOutcome: (outcome: "failed" | "stale") => void;
}) {
  const { summary } = detail;
  const apply = useApplyRun();
  const cancel = useCancelRun();
  const undo = useUndoRun();
  const again = useRunUnfinished();
  const active = summary.state === "active";
  const goOn = (run: RunSummary) => {
    whenFocusIsLost(stateOfRun);
    onRun(run);
  };
  const start = (allowDeletes: number | null) => apply.mutate({ id: summary.id, allowDeletes }, { onSuccess: goOn });
  // A plan that was not begun is dropped by canceling it.
  const discard = () => cancel.mutate(summary.id, {
      onSuccess: () => {
        whenFocusIsLost();
        onDiscard();
      },
    });
  const state = runState(summary);
  return (
    <div className="flex flex-col gap-2.5">
      <div className="flex min-h-7 flex-wrap items-center gap-x-3 gap-y-2">
        {heading && <h2 className="font-semibold">{heading}</h2>}
        <span data-run-state="" tabIndex={-1} aria-live="polite" className="rounded-sm">
          <State tone={state.tone}>{state.text}</State>
        </span>
        <span className="min-w-0 flex-[1_1_15rem] text-soft">
          {runFigures(detail)}
          {/* The figures change with every look; read out is only what state it is in, and how it ended. */}
          <span role="status">
            {!active && runOutcome(summary) && <span className="text-ink"> {"\u00b7"} {runOutcome(summary)}</span>}
          </span>
        </span>
        <div className="ml-auto flex max-w-full shrink-0 flex-wrap items-center justify-end gap-2 empty:hidden">
          {(active || summary.state === "paused") && (
            <Button data-once="" busy={cancel.isPending} onClick={() => cancel.mutate(summary.id, { onSuccess: () => whenFocusIsLost(stateOfRun) })}>
              {t`Cancel`}
            </Button>
          )}
          {summary.state === "planned" && (
            <>
              {summary.changes > 0 ? (
                <Button data-once="" look="primary" busy={apply.isPending} onClick={() => start(null)}>
                  {carryOutLabel(summary)}
                </Button>
              ) : (
                <span className="text-fine">{summary.undoes === null ? t`Nothing to reconcile` : t`Nothing to undo`}</span>
              )}
              <Button data-once="" busy={cancel.isPending} onClick={discard}>
                {t`Discard`}
              </Button>
            </>
          )}
          {summary.state === "held" && (
            <>
              <Release detail={detail} busy={apply.isPending} onRelease={start} />
              <Button data-once="" busy={cancel.isPending} onClick={discard}>
                {t`Discard`}
              </Button>
            </>
          )}
          {canGoOn(summary) && (
            <Button data-once="" look="primary" busy={apply.isPending} title={t`Carries out what is left of the plan`} onClick={() => start(null)}>
              {toGo(summary) > 0 ? t`Go on with ${plural(toGo(summary), { one: "# change", other: "# changes" })}` : t`Go on now`}
            </Button>
          )}
          {leftOver(summary) > 0 && (
            <Button data-once="" icon="retry" busy={again.isPending} title={t`Looks at ${plural(leftOver(summary), { one: "# record", other: "# records" })} again and plans what to do. Nothing is written before you have seen the plan.`} onClick={() => again.mutate(summary.id, { onSuccess: goOn })}>
              {summary.needsYou + summary.stale === 0 ? t`Run the failed ones again` : t`Look at ${plural(leftOver(summary), { one: "# record", other: "# records" })} again`}
            </Button>
          )}
          {canUndo(summary) && (
            <Button
              data-once=""
              busy={undo.isPending}
              title={t`Plans how to take back ${plural(summary.done, { one: "# change", other: "# changes" })}. Nothing is written before you have seen the plan.`}
              onClick={() => undo.mutate(summary.id, { onSuccess: goOn })}
            >
              {detail.undoneBy === null ? t`Undo` : t`Undo again`}
            </Button>
          )}
        </div>
      </div>
      {active ? (
        <div className="flex flex-col gap-1">
          <span className="flex gap-3 text-soft">
            {stageWords(summary)}
            <Pace run={summary} />
          </span>
          <Progress label={t`Progress of ${summary.mapping}`} done={summary.processed} total={summary.total} />
        </div>
      ) : (
        <div className="grid grid-cols-[repeat(auto-fit,minmax(230px,1fr))] items-start gap-x-8 gap-y-3">
          <SegmentBar label={t`By outcome`} segments={outcomeSegments(detail)} ways={{ FAILED: () => onOutcome("failed"), STALE: () => onOutcome("stale") }} />
          <SegmentBar label={t`By action`} segments={segments(detail)} />
          <SegmentBar label={t`By situation`} segments={situationSegments(detail)} />
        </div>
      )}
      {!active && <Guards detail={detail} />}
      {!active && <Message detail={detail} onRun={onRun} />}
      {detail.undoneBy && <Undone by={detail.undoneBy} />}
      {apply.error && <Problem error={apply.error} />}
      {cancel.error && <Problem error={cancel.error} />}
      {undo.error && <Problem error={undo.error} />}
      {again.error && <Problem error={again.error} />}
      <Causes detail={detail} onCause={onCause} onRun={onRun} />
    </div>
  );
}

/** How the run stands, which is the next thing to be known after a button that has gone. */
const stateOfRun = () => document.querySelector<HTMLElement>("[data-run-state]");

/** How fast a run goes and how long it may take, from how far it was at each look. */
function Pace({ run }: { run: RunSummary }) {
  const [marks, setMarks] = useState<Mark[]>([]);
  const last = marks.at(-1);
  // A new look is taken in as it is drawn.
  if (last?.at !== run.durationMs || last.stage !== run.stage || last.processed !== run.processed) setMarks(marked(marks, run, run.durationMs));
  return <span>{paceWords(marks, run.total)}</span>;
}

/** "read 4,815 records, 49 calls, 6 s" */
export function runFigures(detail: RunDetail): string {
  const { summary } = detail;
  const read = recordsRead(detail);
  const looked = summary.undoes === null ? t`read ${plural(read, { one: "# record", other: "# records" })}` : plural(read, { one: "# record", other: "# records" });
  return [read > 0 ? looked : summary.state === "active" ? t`reading` : stoppedEarly(summary) ? t`no record was compared` : t`no records`, plural(summary.calls, { one: "# call", other: "# calls" }), duration(summary.durationMs)].join(", ");
}

/** The guards in their own words. What stops the run is said once, in the run's message below. */
function Guards({ detail }: { detail: RunDetail }) {
  if (detail.guards.length === 0) return null;
  const kept = detail.guards.filter((guard) => !guard.holds);
  const stopped = kept.length < detail.guards.length;
  return (
    <p className="flex flex-wrap gap-x-1.5 text-soft">
      <span>{t`Guards:`}</span>
      {kept.map((guard) => (
        <bdi key={guard.name}>{guardWords(guard, lossesOf(detail))}</bdi>
      ))}
      <span className={stopped ? "text-needs" : "text-fine"}>{stopped ? t`Stopped before the first write.` : t`Fine.`}</span>
    </p>
  );
}

/** Why a run was held, failed, rests or ended early, and what to do about it. A held one speaks in its guards' words. */
function Message({ detail, onRun }: { detail: RunDetail; onRun: (run: RunSummary) => void }) {
  const { summary, guards, trouble, resumeAt } = detail;
  const now = useNow();
  const stopping = summary.state === "held" ? guards.filter((guard) => guard.holds) : [];
  if (stopping.length > 0) {
    const losses = lossesOf(detail);
    const editor = (search: { tab: string; situation?: string }) => ({ to: "/mappings/$name", params: { name: summary.mapping }, search }) as const;
    return (
      <Notice
        tone="needs"
        live="alert"
        action={
          !releasable(stopping) ? (
            <GoButton go={editor({ tab: "advanced" })}>{t`Change the guards`}</GoButton>
          ) : (
            losses === 0 && stopping.some(({ name }) => name === "shortSource") && <GoButton go={editor({ tab: "behaviors", situation: "SOURCE_MISSING" })}>{t`Edit policy`}</GoButton>
          )
        }
      >
        <bdi>{stopping.map((guard) => guardWords(guard, losses)).join(" ")}</bdi>
      </Notice>
    );
  }
  if (!summary.message && resumeAt === null) return null;
  const loud = summary.state === "failed";
  return (
    <Notice tone={loud ? "needs" : "off"} live={loud ? "alert" : undefined} action={loud && <AfterFailure run={summary} trouble={trouble} onRun={onRun} />}>
      <bdi>{sentence(runMessage(summary))}</bdi>
      {summary.state === "paused" && resumeAt !== null && (
        <>
          {" "}
          <span className="text-ink">
            {t`It goes on by itself ${until(resumeAt, now)}, at ${fullTime(resumeAt)}.`}
          </span>
        </>
      )}
    </Notice>
  );
}

/** What has been taken back of a run, and where that is told. */
function Undone({ by }: { by: RunSummary }) {
  const now = useNow();
  return (
    <p className="text-soft">
      {t`${plural(by.done, { one: "# change was", other: "# changes were" })} made to take this back, ${ago(by.started, now)}.`}{" "}
      <Link to="/runs/$id" params={{ id: by.id }} className="rounded-sm text-accent hover:underline">
        {t`Open the undo`}
      </Link>
    </p>
  );
}

/** A run that failed as a whole: what mends the system that is to blame, and another try. */
function AfterFailure({ run, trouble, onRun }: { run: RunSummary; trouble: Trouble | null; onRun: (run: RunSummary) => void }) {
  const mappings = useQuery(ask("mappings_list", {}));
  const start = useStartRun();
  const mapping = mappings.data?.find(({ name }) => name === run.mapping);
  const connectors = mapping && trouble ? [...new Set([mapping.source, mapping.target].map(connectorOf))].filter((name) => name !== null) : [];
  return (
    <span className="flex shrink-0 flex-wrap justify-end gap-2">
      {trouble && connectors.map((name) => <TroubleButtons key={name} connector={name} trouble={trouble} />)}
      {run.undoes === null && !canGoOn(run) && (
        <Button data-once="" icon="retry" busy={start.isPending} title={start.error ? errorWords(start.error) : undefined} onClick={() => start.mutate({ mapping: run.mapping, mode: "preview" }, { onSuccess: onRun })}>
          {t`Preview again`}
        </Button>
      )}
    </span>
  );
}

function plannedOf(detail: RunDetail, action: string): number {
  return detail.planned.find(({ name }) => name === action)?.count ?? 0;
}

/** How many records the plan takes away or unties. */
function lossesOf(detail: RunDetail): number {
  return plannedOf(detail, "DELETE") + plannedOf(detail, "UNLINK");
}

/** Whether an allowance for deletes satisfies all of them; else the mapping or its source has to change. */
function releasable(stopping: GuardRow[]): boolean {
  return stopping.every((guard) => guard.releasable);
}

/** A held run goes on only when a person has read how much it would delete. */
function Release({ detail, busy, onRelease }: { detail: RunDetail; busy: boolean; onRelease: (allowDeletes: number) => void }) {
  const asking = useOpen();
  const mappings = useQuery(ask("mappings_list", {}));
  const mapping = mappings.data?.find(({ name }) => name === detail.summary.mapping);
  const stopping = detail.guards.filter((guard) => guard.holds);
  if (!releasable(stopping)) return null;
  const [deletes, unlinks] = [plannedOf(detail, "DELETE"), plannedOf(detail, "UNLINK")];
  const harmless = deletes + unlinks === 0;
  const elsewhere = stopping.some(({ name }) => name === "otherAccount");
  if (harmless && detail.summary.changes === 0 && !elsewhere) return null;
  const target = mapping?.target === "managed/user" ? null : (mapping?.targetTitle ?? "");
  const words = releaseWords(detail.summary, deletes, unlinks, target);
  const others = detail.planned.filter(({ name, count }) => name !== "DELETE" && name !== "UNLINK" && count > 0).map(({ name, count }) => `${actionWords(name).label} ${number(count)}`);
  return (
    <>
      <Button data-once="" look={harmless ? "plain" : "danger"} busy={busy} onClick={asking.show}>
        {words.allow}
      </Button>
      <Confirm
        title={words.title}
        action={words.action}
        open={asking.open}
        onClose={asking.hide}
        onConfirm={() => {
          asking.hide();
          onRelease(deletes + unlinks);
        }}
      >
        {stopping.map((guard) => (
          <p key={guard.name}>
            <bdi>{limitWords(guard, deletes + unlinks)}</bdi>
          </p>
        ))}
        {asking.open && deletes > 0 && <Deleted run={detail.summary.id} count={deletes} target={mapping?.target ?? ""} />}
        {others.length > 0 && !harmless && <p>{t`Besides: ${others.join(", ")}.`}</p>}
        {unlinks > 0 && <p>{t`The guards count an unlink as a delete: both records stay, and nothing ties them to each other any more.`}</p>}
        {!harmless && <p>{detail.summary.undoes === null ? t`The limit stays as it is for every other run. When it is done, Undo on this screen plans how to take it back.` : t`The limit stays as it is for every other run.`}</p>}
      </Confirm>
    </>
  );
}

/** As many of the records that would be deleted are looked at. */
const LOOKED_AT = 500;
const NAMED = 3;

/** Who would be deleted, and what that means elsewhere where it is objects of Concord. */
function Deleted({ run, count, target }: { run: string; count: number; target: string }) {
  const entries = useQuery({ ...ask("run_entries", { id: run, situation: null, action: "DELETE", failed: false, stale: false, search: null, after: null, limit: LOOKED_AT }), refetchOnWindowFocus: false });
  if (!entries.data) return null;
  const planned = entries.data.entries.filter(({ status }) => status === "planned");
  const names = planned.slice(0, NAMED).map(({ title }) => title || t`(no name)`).join(", ");
  const ids = planned.flatMap(({ targetId }) => targetId ?? []);
  return (
    <>
      {names !== "" && (
        <p className="text-ink">
          <bdi>{count > NAMED ? t`${names} and ${number(count - NAMED)} more` : names}</bdi>
        </p>
      )}
      {target.startsWith(MANAGED) && ids.length > 0 && (
        <>
          <p>{t`They are deleted here. Elsewhere:`}</p>
          <DeleteEffects kind={target.slice(MANAGED.length)} ids={ids} of={count} />
        </>
      )}
    </>
  );
}

const MANAGED = "managed/";

/** "8 users", "8 records of HubSpot contact"; users have no `target`, and one that is not known yet is empty. */
function recordsOf(count: number, target: string | null): string {
  if (target === null) return plural(count, { one: "# user", other: "# users" });
  return target === "" ? plural(count, { one: "# record", other: "# records" }) : t`${plural(count, { one: "# record", other: "# records" })} of ${target}`;
}

/** How the release of a run is asked for; what is deleted and what is only unlinked are told apart. */
function releaseWords(run: RunSummary, deletes: number, unlinks: number, target: string | null): { allow: string; title: string; action: string } {
  const again = run.undoes === null;
  const deleted = plural(deletes, { one: "# delete", other: "# deletes" });
  const unlinked = plural(unlinks, { one: "# unlink", other: "# unlinks" });
  if (deletes > 0 && unlinks > 0) {
    return {
      allow: t`Allow ${deleted} and ${unlinked} for this run`,
      title: t`Delete ${recordsOf(deletes, target)} and unlink ${number(unlinks)}?`,
      action: again ? t`Delete ${number(deletes)}, unlink ${number(unlinks)} and reconcile` : t`Delete ${number(deletes)}, unlink ${number(unlinks)} and undo`,
    };
  }
  if (unlinks > 0) {
    return {
      allow: t`Allow ${unlinked} for this run`,
      title: t`Unlink ${recordsOf(unlinks, target)}?`,
      action: again ? t`Unlink ${number(unlinks)} and reconcile` : t`Unlink ${number(unlinks)} and undo`,
    };
  }
  return {
    allow: deletes > 0 ? t`Allow ${deleted} for this run` : t`${carryOutLabel(run)} all the same`,
    title: deletes > 0 ? t`Delete ${recordsOf(deletes, target)}?` : t`${carryOutLabel(run)}?`,
    action: deletes === 0 ? carryOutLabel(run) : again ? t`Delete ${number(deletes)} and reconcile` : t`Delete ${number(deletes)} and undo`,
  };
}

/** Failures by cause, most first: one line each instead of one per record, with what mends it. */
function Causes({ detail, onCause, onRun }: { detail: RunDetail; onCause: (reason: string) => void; onRun: (run: RunSummary) => void }) {
  const [all, setAll] = useState(false);
  if (detail.causes.length === 0) return null;
  const shown = all ? detail.causes : detail.causes.slice(0, 3);
  return (
    <section aria-label={t`Failures by cause`}>
      <h2 className="mb-1 text-sm text-soft">{t`Why records failed`}</h2>
      <ul className="flex flex-col">
        {shown.map(({ reason, remedy, fix, count }) => {
          const advice = fix ? fixWords(fix) : remedy;
          return (
            <li key={reason} className="flex items-center gap-2 py-0.5">
              <span className="w-10 shrink-0 font-medium text-needs">{number(count)}</span>
              <span className="min-w-0 flex-1" title={[reason, advice].filter(Boolean).join("\n")}>
                <bdi className="block truncate">{sentence(reason)}</bdi>
                {advice && <bdi className="block truncate text-sm text-soft">{sentence(advice)}</bdi>}
              </span>
              {fix && <FixButtons fix={fix} mapping={detail.summary.mapping} about={reason} run={detail.summary.state === "active" ? undefined : detail.summary.id} failedAt={detail.summary.ended} onRun={onRun} />}
              <Button look="quiet" aria-label={t`Show the records: ${reason}`} onClick={() => onCause(reason)}>
                {t`Show`}
              </Button>
            </li>
          );
        })}
      </ul>
      {detail.causes.length > 3 && (
        <Button look="quiet" onClick={() => setAll(!all)}>
          {all ? t`Fewer` : `${plural(detail.causes.length - 3, { one: "# more cause", other: "# more causes" })}`}
        </Button>
      )}
    </section>
  );
}
