import { plural, t } from "@lingui/core/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";

import type { EntryRow } from "../../backend/bindings/EntryRow";
import type { RunDetail } from "../../backend/bindings/RunDetail";
import { Outside } from "../../parts/Outside";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { actionWords } from "../../words/actions";
import { sentence } from "../../words/error";
import { number } from "../../words/numbers";
import { stoppedEarly } from "../../words/run";
import { situationMeaning } from "../../words/situations";
import { Changes } from "./Change";
import { EntryFilters } from "./EntryFilters";
import { EntryPanel } from "./EntryPanel";
import { ENTRY_STATUS } from "./entryStatus";
import { useExport } from "./ExportMenu";
import { type EntryFilter, exportRun, runEntries } from "./queries";
import { CHANGING, recordsRead } from "./segments";

/** Between why a change was planned and why it was not made. */
const NOT_CARRIED_OUT = /; not carried out: /;

/** The columns; beside an open record there is room for the situation's name only, and an undo tells of the situation before. */
function columns(compact: boolean, undo: boolean): Column<EntryRow>[] {
  return [
    { key: "title", title: t`Record`, width: compact ? "27%" : "20%", cell: (entry) => <bdi>{entry.title || t`(no name)`}</bdi> },
    {
      key: "situation",
      title: t`Situation`,
      width: compact ? "170px" : "25%",
      cell: ({ situation, meaning }) => {
        const words = situationMeaning(situation, meaning);
        return (
          <span title={undo ? t`In the run that is undone: ${words}` : words}>
            <code className="font-mono text-xs">{situation}</code> {!compact && <span className="text-soft">{undo ? t`in the undone run` : words}</span>}
          </span>
        );
      },
    },
    { key: "action", title: t`Action`, width: "148px", cell: (entry) => <Action entry={entry} /> },
    {
      key: "changes",
      title: t`Changes or reason`,
      cell: (entry) =>
        // What was not done is no change: why it was not is what there is to say.
        entry.status === "stale" ? (
          <span title={sentence(entry.reason)}>
            <bdi className="text-soft">{sentence(entry.reason.split(NOT_CARRIED_OUT).at(-1) ?? "")}</bdi>
          </span>
        ) : entry.changes.length > 0 && entry.status !== "failed" ? (
          <Changes changes={entry.changes} removed={entry.action === "DELETE"} />
        ) : (
          <Outside text={sentence(entry.reason)} className="text-soft" />
        ),
    },
  ];
}

export const EVERYTHING: EntryFilter = { situation: null, action: null, failed: false, stale: false, search: "" };

/** The records of a run: filters, a list of any length, and the opened record beside it. */
export function Entries({ detail, targetIsUser, filter, onFilter }: { detail: RunDetail; targetIsUser: boolean; filter: EntryFilter; onFilter: (filter: EntryFilter) => void }) {
  const [opened, setOpened] = useState<EntryRow | null>(null);
  const entries = useInfiniteQuery(runEntries(detail.summary.id, filter));
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = entries;
  const next = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const undo = detail.summary.undoes !== null;
  const exporting = useExport((format) => exportRun(detail.summary.id, filter, format), (rows) => plural(rows, { one: "# record", other: "# records" }));
  const close = useCallback(() => setOpened(null), []);
  const rows = entries.data?.pages.flatMap((page) => page.entries) ?? [];
  const total = entries.data?.pages[0]?.total ?? 0;
  // What is as it should be has no entry: a situation may count more records than are listed.
  const alone = filter.action === null && !filter.failed && !filter.stale && filter.search.trim() === "" && entries.isSuccess && !entries.isPlaceholderData;
  const counted = detail.situations.find(({ name }) => name === filter.situation)?.count ?? 0;
  const unlisted = alone && filter.situation !== null && detail.summary.state !== "active" ? Math.max(counted - total, 0) : 0;
  const found = plural(total, { one: "# record", other: "# records" });
  // The list may have been asked again: show the entry as it is now.
  const shown = opened && (rows.find((row) => row.id === opened.id) ?? opened);
  const beside = shown !== null;
  const shape = useMemo(() => columns(beside, undo), [beside, undo]);

  return (
    <>
      <div className="shrink-0 border-b border-line px-6 py-2">
        <EntryFilters detail={detail} filter={filter} found={!entries.data ? "" : unlisted > 0 && total > 0 ? t`${found}, ${number(unlisted)} unchanged not listed` : found} beside={exporting.menu} onChange={onFilter} />
        {exporting.told && <div className="mt-2">{exporting.told}</div>}
      </div>
      <div className="relative flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col">
          {entries.error ? (
            <div className="px-6 py-3">
              <Problem error={entries.error} />
            </div>
          ) : entries.isPending ? (
            <div className="px-6 pt-7">
              <Skeleton rows={10} />
            </div>
          ) : rows.length === 0 ? (
            <p className="px-6 py-6 text-soft">{nothingWords(detail, filter, unlisted)}</p>
          ) : (
            <VirtualTable
              label={t`Records`}
              columns={shape}
              rows={rows}
              rowKey={(entry) => entry.id}
              rowName={(entry) => entry.title}
              total={total}
              openKey={shown?.id}
              onOpen={setOpened}
              onMove={(entry) => setOpened((before) => before && entry)}
              onNearEnd={next}
            />
          )}
        </div>
        {shown && <EntryPanel entry={shown} mapping={detail.summary.mapping} undo={undo} asked={detail.summary.state !== "planned" && detail.summary.state !== "held"} targetIsUser={targetIsUser} onClose={close} />}
      </div>
    </>
  );
}

/** Why no record is listed. */
function nothingWords(detail: RunDetail, filter: EntryFilter, unlisted: number): string {
  if (unlisted > 0) return plural(unlisted, { one: "# record is linked and unchanged, and is not listed.", other: "# records are linked and unchanged, and are not listed." });
  if (!isEverything(filter)) return t`No record is like this.`;
  if (recordsRead(detail) > 0) return t`Every record is linked and unchanged.`;
  return stoppedEarly(detail.summary) ? t`No record was compared: the run stopped before that. The reason stands above.` : t`There was no record to compare.`;
}

function isEverything(filter: EntryFilter): boolean {
  return !filter.situation && !filter.action && !filter.failed && !filter.stale && filter.search === "";
}

function Action({ entry }: { entry: EntryRow }) {
  const words = actionWords(entry.action);
  if (entry.status === "failed" || entry.status === "stale" || entry.status === "done") {
    return <State tone={ENTRY_STATUS[entry.status].tone}>{entry.status === "done" ? t`${words.verb}, done` : entry.status === "failed" ? t`${words.verb} failed` : t`${words.verb} not made`}</State>;
  }
  if (entry.status === "skipped" && CHANGING.has(entry.action)) {
    const left = actionWords("LEFT_AS_IT_IS");
    return (
      <span className="inline-flex items-center gap-1.5 text-soft" title={t`${words.verb}: not needed`}>
        <span aria-hidden="true" className={`size-2 rounded-[2px] ${left.fill}`} />
        {left.verb}
      </span>
    );
  }
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden="true" className={`size-2 rounded-[2px] ${words.fill}`} />
      {words.verb}
    </span>
  );
}
