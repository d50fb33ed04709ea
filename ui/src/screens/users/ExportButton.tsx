import { useMutation } from "@tanstack/react-query";

import { call } from "../../backend";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { CopyButton } from "../../parts/Outside";
import { Problem } from "../../parts/Problem";
import { number } from "../../words/numbers";
import { type Kind, objectsWord } from "./kind";
import type { ListState } from "./listState";

/** Writes the list, or what is picked of it, into a table for spreadsheets, and says where. */
export function ExportButton({ kind, state, columns, ids }: { kind: Kind; state: ListState; columns: string[]; ids?: string[] }) {
  const { q = "", filter, sort } = state;
  const write = useMutation({
    mutationFn: () => call("objects_export", { kind: kind.name, search: q.trim() || null, filter: filter ?? null, sort: sort ?? null, onlyIds: ids !== undefined, ids: ids ?? [], columns }),
    onSuccess: ({ path }) => announce(`Written to ${path}`),
  });
  const done = write.data;
  return (
    <>
      <Button busy={write.isPending} title="What the list shows, as a table with its columns" onClick={() => write.mutate()}>
        Export CSV
      </Button>
      <Dialog title={write.error ? "Not exported" : "Exported"} open={done !== undefined || write.error !== null} onClose={write.reset}>
        {write.error && <Problem error={write.error} />}
        {done && (
          <>
            <p className="text-soft">
              {number(done.rows)} {objectsWord(kind, done.rows !== 1)} in a file that only you can read:
            </p>
            <p className="flex min-w-0 items-start gap-1">
              <code className="min-w-0 flex-1 font-mono text-sm break-all">{done.path}</code>
              <CopyButton text={done.path} label="Copy path" />
            </p>
          </>
        )}
        <div className="mt-2 flex justify-end">
          <Button onClick={write.reset}>Close</Button>
        </div>
      </Dialog>
    </>
  );
}
