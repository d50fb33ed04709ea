import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { Entries } from "./Entries";
import { refreshAfterRun, runDetail } from "./queries";
import { RunHead } from "./RunHead";

/** A run from its first record to its last: progress, then the outcome with every record that is not simply fine. */
export function RunView({ id, targetIsUser, onApplied, onDiscard }: { id: string; targetIsUser: boolean; onApplied: (run: RunSummary) => void; onDiscard: () => void }) {
  const run = useQuery(runDetail(id));
  useRefreshAtEnd(run.data?.summary);
  if (!run.data) {
    return <div className="px-6 py-4">{run.error ? <Problem error={run.error} /> : <Skeleton rows={4} />}</div>;
  }
  return (
    <>
      <div className="max-h-[45vh] shrink-0 overflow-y-auto border-b border-line px-6 py-3">
        <RunHead detail={run.data} onApplied={onApplied} onDiscard={onDiscard} />
      </div>
      {run.data.summary.state !== "active" && <Entries key={`${id} ${run.data.summary.state}`} detail={run.data} targetIsUser={targetIsUser} />}
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
