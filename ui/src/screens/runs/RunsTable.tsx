import { t } from "@lingui/core/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback } from "react";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Icon } from "../../parts/Icon";
import { Nothing, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { sentence } from "../../words/error";
import { number } from "../../words/numbers";
import { runPurpose, runResult, runState, stageWords } from "../../words/run";
import { ago, duration, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { Incremental } from "./Incremental";
import { runsList } from "./queries";

function columns(now: number, withMapping: boolean): Column<RunSummary>[] {
  const mapping: Column<RunSummary> = { key: "mapping", title: t`Mapping`, width: "27%", cell: (run) => <bdi title={run.mapping}>{run.mapping}</bdi> };
  return [
    { key: "started", title: t`Started`, width: "120px", cell: (run) => <Started run={run} now={now} /> },
    ...(withMapping ? [mapping] : []),
    { key: "mode", title: t`What`, width: "144px", cell: (run) => <Purpose run={run} /> },
    { key: "state", title: t`State`, width: "124px", cell: (run) => <RunState run={run} /> },
    { key: "outcome", title: t`Outcome`, cell: (run) => <Outcome run={run} /> },
    { key: "calls", title: t`Calls`, width: "68px", numeric: true, roomy: true, cell: (run) => number(run.calls) },
    { key: "took", title: t`Took`, width: "112px", numeric: true, roomy: true, cell: (run) => duration(run.durationMs) },
  ];
}

/** Runs, newest first: all of them, or those of one mapping. */
export function RunsTable({ mapping, onOpen }: { mapping: string | null; onOpen: (run: RunSummary) => void }) {
  return (
    <>
      {mapping !== null && <Incremental mapping={mapping} onRun={onOpen} />}
      <Table mapping={mapping} onOpen={onOpen} />
    </>
  );
}

function Table({ mapping, onOpen }: { mapping: string | null; onOpen: (run: RunSummary) => void }) {
  const runs = useInfiniteQuery(runsList(mapping));
  const now = useNow();
  const { fetchNextPage, isFetchingNextPage, hasNextPage } = runs;
  const next = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  if (runs.error) {
    return (
      <div className="p-6">
        <Problem error={runs.error} />
      </div>
    );
  }
  if (!runs.data) {
    return (
      <div className="px-6 pt-7">
        <Skeleton rows={8} />
      </div>
    );
  }
  const rows = runs.data.pages.flatMap((page) => page.runs);
  if (rows.length === 0) {
    return (
      <div className="p-6">
        <Nothing>{t`Nothing has run yet. Preview a mapping to see what it would change.`}</Nothing>
      </div>
    );
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <VirtualTable
        label={t`Runs`}
        columns={columns(now, mapping === null)}
        rows={rows}
        rowKey={(run) => run.id}
        rowName={(run) => t`${runPurpose(run)} of ${run.mapping}, ${fullTime(run.started)}`}
        total={rows.length + (hasNextPage ? 1 : 0)}
        onOpen={onOpen}
        onNearEnd={next}
        place={mapping ?? ""}
      />
    </div>
  );
}

/** When a run began; who hears the table instead of seeing it is told at once what it was. */
function Started({ run, now }: { run: RunSummary; now: number }) {
  return (
    <>
      <span title={fullTime(run.started)}>{ago(run.started, now)}</span>
      <span className="sr-only">
        {t`, ${runPurpose(run)} of ${run.mapping}`}
      </span>
    </>
  );
}

/** What a run came to. The line may be cut, so what needs somebody comes first. */
function Outcome({ run }: { run: RunSummary }) {
  if (run.state === "active") return <bdi>{stageWords(run)}</bdi>;
  return <bdi title={[runResult(run), run.message && sentence(run.message)].filter((text, at, all) => text && all.indexOf(text) === at).join("\n")}>{runResult(run, true)}</bdi>;
}

function Purpose({ run }: { run: RunSummary }) {
  if (run.undoes === null) return runPurpose(run);
  return (
    <span className="flex items-center gap-1.5">
      <Icon name="undo" size={14} />
      {runPurpose(run)}
    </span>
  );
}

function RunState({ run }: { run: RunSummary }) {
  const { tone, text } = runState(run);
  return <State tone={tone}>{text}</State>;
}
