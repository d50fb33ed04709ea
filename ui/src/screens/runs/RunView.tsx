import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { runPurpose, undoName } from "../../words/run";
import { Entries, EVERYTHING } from "./Entries";
import { type EntryFilter, refreshAfterRun, runDetail, useUndone } from "./queries";
import { RunHead } from "./RunHead";

/** A run from its first record to its last: progress, then the outcome with every record that is not simply fine. */
export function RunView({ id, embedded = false, targetIsUser, filter, onFilter, onRun, onDiscard }: {
  id: string;
  /** Stands under the head of its mapping, and so says itself what kind of run it is. */
  embedded?: boolean;
  targetIsUser: boolean;
  /** Which of its records are shown; the screen's address keeps it. */
  filter: EntryFilter;
  onFilter: (filter: EntryFilter) => void;
  /** Another run came out of this one: its plan is carried out, or what it did is to be taken back. */
  onRun: (run: RunSummary) => void;
  onDiscard: () => void;
}) {
  const run = useQuery(runDetail(id));
  const undone = useUndone(run.data?.summary);
  useRefreshAtEnd(run.data?.summary);
  if (!run.data) {
    return <div className="px-6 py-4">{run.error ? <Problem error={run.error} /> : <Skeleton rows={4} />}</div>;
  }
  const { summary } = run.data;
  return (
    <>
      <div className="max-h-[45vh] shrink-0 overflow-y-auto border-b border-line px-6 py-3">
        <RunHead detail={run.data} heading={embedded ? (summary.undoes === null ? runPurpose(summary) : undoName(undone)) : undefined} onRun={onRun} onDiscard={onDiscard} onCause={(reason) => onFilter({ ...EVERYTHING, failed: true, search: tellingPart(reason) })} onOutcome={(outcome) => onFilter({ ...EVERYTHING, [outcome]: true })} />
      </div>
      {summary.state === "active" && summary.mode !== "apply" ? (
        <div className="px-6 pt-8">
          <Skeleton rows={10} />
        </div>
      ) : (
        // A plan that is being carried out is there to be read all the while.
        <Entries key={id} detail={run.data} targetIsUser={targetIsUser} filter={filter} onFilter={onFilter} />
      )}
    </>
  );
}

/** A small run may have ended before anybody saw it under way. */
function useRefreshAtEnd(run: RunSummary | undefined) {
  const client = useQueryClient();
  const before = useRef(run);
  useEffect(() => {
    const last = before.current;
    before.current = run;
    if (run && last?.id === run.id && last.state !== run.state && run.state !== "active") void refreshAfterRun(client);
  }, [client, run]);
}

/** A cause stands for many reasons, without what is particular to a record; its longest part is in each of them. */
function tellingPart(cause: string): string {
  return cause.split("\u2026").map((part) => part.trim()).toSorted((a, b) => b.length - a.length)[0] ?? "";
}
