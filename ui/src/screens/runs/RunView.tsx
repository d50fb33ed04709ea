import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { MODE_WORDS } from "../../words/run";
import { Entries } from "./Entries";
import { refreshAfterRun, runDetail } from "./queries";
import { RunHead } from "./RunHead";

/** A run from its first record to its last: progress, then the outcome with every record that is not simply fine. */
export function RunView({ id, embedded = false, targetIsUser, onApplied, onDiscard }: {
  id: string;
  /** Stands under the head of its mapping, and so says itself what kind of run it is. */
  embedded?: boolean;
  targetIsUser: boolean;
  onApplied: (run: RunSummary) => void;
  onDiscard: () => void;
}) {
  const run = useQuery(runDetail(id));
  useRefreshAtEnd(run.data?.summary);
  if (!run.data) {
    return <div className="px-6 py-4">{run.error ? <Problem error={run.error} /> : <Skeleton rows={4} />}</div>;
  }
  return (
    <>
      <div className="max-h-[45vh] shrink-0 overflow-y-auto border-b border-line px-6 py-3">
        <RunHead detail={run.data} heading={embedded ? MODE_WORDS[run.data.summary.mode] : undefined} onApplied={onApplied} onDiscard={onDiscard} />
      </div>
      {run.data.summary.state === "active" ? (
        <div className="px-6 pt-8">
          <Skeleton rows={10} />
        </div>
      ) : (
        <Entries key={`${id} ${run.data.summary.state}`} detail={run.data} targetIsUser={targetIsUser} />
      )}
    </>
  );
}

function useRefreshAtEnd(run: RunSummary | undefined) {
  const client = useQueryClient();
  const before = useRef(run?.state);
  useEffect(() => {
    if (before.current === "active" && run && run.state !== "active") void refreshAfterRun(client);
    before.current = run?.state;
  }, [client, run]);
}
