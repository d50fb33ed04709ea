import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { QueuedChange } from "../../backend/bindings/QueuedChange";
import type { QueueRow } from "../../backend/bindings/QueueRow";
import { Button } from "../../parts/Button";
import { whenFocusIsLost } from "../../parts/focusLost";
import { Confirm } from "../../parts/Dialog";
import { Outside } from "../../parts/Outside";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { saidBy } from "../../words/error";
import { number } from "../../words/numbers";
import { fullTime, isNow, until } from "../../words/time";
import { useNow } from "../../words/useNow";
import { objectPlace } from "../users/kind";
import { SYNC_STATES } from "../users/SyncResults";
import { QueuedFix } from "./QueuedFix";
import { queueList, useDiscard, useRetry } from "./queries";

const CHANGES: Record<QueuedChange, string> = { create: t`create`, update: t`update`, delete: t`delete` };

export function QueuePage() {
  const queue = useInfiniteQuery(queueList);
  const retry = useRetry();
  const discard = useDiscard();
  const [dropping, setDropping] = useState<QueueRow | null>(null);
  const rows = queue.data?.pages.flatMap((page) => page.rows) ?? [];
  // Each page counts the whole queue; the first one is read first.
  const { failed, waiting } = queue.data?.pages[0] ?? { failed: 0, waiting: 0 };
  /** The row is on its way out: its place is taken by the next one. */
  const goOnAfter = (gone: QueueRow) => {
    const at = rows.findIndex(({ id }) => id === gone.id);
    whenFocusIsLost(() => [...document.querySelectorAll<HTMLElement>("[data-retry]")].at(at) ?? [...document.querySelectorAll<HTMLElement>("[data-retry]")].at(-1));
  };
  const error = queue.error ?? retry.error ?? discard.error;
  return (
    <Page
      title={t`Queue`}
      beside={
        <span role="status" className="text-soft">
          {queue.data && (failed + waiting === 0 ? t`empty` : t`${plural(waiting, { one: "# change", other: "# changes" })} waiting, ${number(failed)} failed`)}
        </span>
      }
    >
      <p className="mb-4 text-soft">{t`Changes of users and other objects on their way to other systems. Each mapping delivers on its own. One that waits is tried again by itself; one that failed waits for you: do what stands beside it, then press Retry.`}</p>
      {error && (
        <div className="mb-4">
          <Problem error={error} />
        </div>
      )}
      {queue.isPending ? (
        <Skeleton rows={5} />
      ) : rows.length === 0 ? (
        <Nothing>{t`Nothing waits. Every change has reached its targets.`}</Nothing>
      ) : (
        <>
          <QueueTable rows={rows} busy={retry.isPending ? retry.variables : undefined} onRetry={(row) => retry.mutate(row.id, { onSuccess: () => goOnAfter(row) })} onDiscard={setDropping} />
          {queue.hasNextPage && (
            <div className="mt-3">
              <Button busy={queue.isFetchingNextPage} onClick={() => void queue.fetchNextPage()}>
                {t`More changes`}
              </Button>
            </div>
          )}
        </>
      )}
      <Confirm
        title={t`Discard 1 change?`}
        action={t`Discard 1 change`}
        open={dropping !== null}
        busy={discard.isPending}
        onClose={() => setDropping(null)}
        onConfirm={() => dropping && discard.mutate(dropping.id, { onSuccess: () => goOnAfter(dropping), onSettled: () => setDropping(null) })}
      >
        {dropping && (
          <p>
            <Trans>What changed about <bdi>{dropping.title}</bdi> will not be delivered by <bdi>{dropping.mapping}</bdi>. The next reconciliation of the mapping finds the difference again.</Trans>
          </p>
        )}
      </Confirm>
    </Page>
  );
}

function QueueTable({ rows, busy, onRetry, onDiscard }: { rows: QueueRow[]; busy?: string; onRetry: (row: QueueRow) => void; onDiscard: (row: QueueRow) => void }) {
  const now = useNow();
  return (
    <table className="rows inset" aria-label={t`Queue`}>
      <thead>
        <tr>
          <th scope="col" className="w-[14%]">{t`Object`}</th>
          <th scope="col" className="w-20">{t`Change`}</th>
          <th scope="col" className="w-[20%]">{t`Mapping`}</th>
          <th scope="col" className="w-24">{t`State`}</th>
          <th scope="col">{t`Why`}</th>
          <th scope="col" className="w-38 max-[1100px]:w-24"><span className="sr-only">{t`Actions`}</span></th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id}>
            <th scope="row">
              <Link {...objectPlace(row.kind, row.objectId)} className="rounded-sm font-medium hover:underline">
                <Outside text={row.title} />
              </Link>
            </th>
            <td>{CHANGES[row.change]}</td>
            <td>
              <Link to="/mappings/$name" params={{ name: row.mapping }} className="rounded-sm hover:underline">
                <Outside text={row.mapping} />
              </Link>
            </td>
            <td>
              <State tone={SYNC_STATES[row.state].tone}>{SYNC_STATES[row.state].text}</State>
            </td>
            <td className="py-1.5 break-words whitespace-normal" title={[saidBy(row.message ?? ""), t`${plural(row.attempts, { one: "# attempt", other: "# attempts" })}, since ${fullTime(row.created)}`].filter(Boolean).join("\n")}>
              {row.state === "waiting" && row.nextAttemptAt && row.attempts > 0 && <span className="text-soft">{isNow(row.nextAttemptAt, now) ? t`It is tried now.` : t`Next try ${until(row.nextAttemptAt, now)}.`} </span>}
              {row.attempts === 0 && !row.message ? <span className="text-soft">{t`not tried yet`}</span> : <bdi>{saidBy((row.fix ? row.reason : row.message) ?? "")}</bdi>}
              <QueuedFix fix={row.fix} trouble={row.trouble} mapping={row.mapping} objectId={row.objectId} about={row.title} />
            </td>
            <td>
              <span className="flex justify-end gap-1.5 max-[1100px]:flex-col max-[1100px]:items-end">
                <Button data-retry="" busy={busy === row.id} aria-label={t`Retry ${row.title}`} onClick={() => onRetry(row)}>{t`Retry`}</Button>
                <Button look="quiet" aria-label={t`Discard ${row.title}`} onClick={() => onDiscard(row)}>{t`Discard`}</Button>
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
