import { t } from "@lingui/core/macro";
import { useMutation } from "@tanstack/react-query";

import { call } from "../../backend";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { CopyButton } from "../../parts/Outside";
import { Problem } from "../../parts/Problem";
import { type Kind, objectsCount } from "./kind";
import type { ListState } from "./listState";

/** Writes the list, or what is picked of it, into a table for spreadsheets, and says where. */
export function ExportButton({ kind, state, columns, ids }: { kind: Kind; state: ListState; columns: string[]; ids?: string[] }) {
  const { q = "", filter, sort } = state;
  const write = useMutation({
    mutationFn: () => call("objects_export", { kind: kind.name, search: q.trim() || null, filter: filter ?? null, sort: sort ?? null, onlyIds: ids !== undefined, ids: ids ?? [], columns }),
    onSuccess: ({ path }) => announce(t`Written to ${path}`),
  });
  const done = write.data;
  return (
    <>
      <Button busy={write.isPending} title={t`What the list shows, as a table with its columns`} onClick={() => write.mutate()}>
        {t`Export CSV`}
      </Button>
      <Dialog title={write.error ? t`Not exported` : t`Exported`} open={done !== undefined || write.error !== null} onClose={write.reset}>
        {write.error && <Problem error={write.error} />}
        {done && (
          <>
            <p className="text-soft">
              {t`${objectsCount(kind, done.rows)} in a file that only you can read:`}
            </p>
            <p className="flex min-w-0 items-start gap-1">
              <code className="min-w-0 flex-1 font-mono text-sm break-all">{done.path}</code>
              <CopyButton text={done.path} label={t`Copy path`} />
            </p>
          </>
        )}
        <div className="mt-2 flex justify-end">
          <Button onClick={write.reset}>{t`Close`}</Button>
        </div>
      </Dialog>
    </>
  );
}
