import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";

import type { SyncResult } from "../../backend/bindings/SyncResult";
import type { SyncState } from "../../backend/bindings/SyncState";
import { ask } from "../../backend/query";
import { GoButton } from "../../parts/GoButton";
import { State, type Tone } from "../../parts/State";
import { saidBy } from "../../words/error";
import { QueuedFix } from "../queue/QueuedFix";

export const SYNC_STATES: Record<SyncState, { tone: Tone; text: string }> = {
  synced: { tone: "fine", text: t`synced` },
  waiting: { tone: "waits", text: t`waiting` },
  failed: { tone: "needs", text: t`failed` },
};

/** Where the last change of a user has arrived, target by target. */
export function SyncResults({ id, results }: { /** The user's. */ id: string; results: SyncResult[] }) {
  const mappings = useQuery(ask("mappings_list", {}));
  const targetOf = (result: SyncResult) => mappings.data?.find(({ name }) => name === result.mapping)?.targetTitle || result.target;
  return (
    <div role="status" className="flex flex-col gap-2">
      <ul aria-label={t`Delivery per target`} className="flex flex-col gap-1">
        {results.map((result) => {
          return (
            <li key={result.mapping} className="grid grid-cols-[96px_minmax(0,1fr)] items-start gap-x-2">
              <State tone={SYNC_STATES[result.state].tone}>{SYNC_STATES[result.state].text}</State>
              <span className="min-w-0">
                <bdi className="block truncate" title={result.mapping}>
                  {targetOf(result)}
                </bdi>
                {result.message && result.message !== result.state && <bdi className="block text-sm break-words text-soft">{saidBy(result.fix ? result.reason : result.message)}</bdi>}
                <QueuedFix fix={result.state === "synced" ? null : result.fix} trouble={result.trouble} mapping={result.mapping} objectId={id} about={targetOf(result)} />
              </span>
            </li>
          );
        })}
      </ul>
      {results.some((result) => result.state === "failed") && (
        <div>
          <GoButton go={{ to: "/queue" }}>{t`Open queue`}</GoButton>
        </div>
      )}
    </div>
  );
}
