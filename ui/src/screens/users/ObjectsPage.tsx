import { t } from "@lingui/core/macro";
import { Select, Trans } from "@lingui/react/macro";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";

import type { UserRow } from "../../backend/bindings/UserRow";
import { Button } from "../../parts/Button";
import { FilterBuilder } from "../../parts/FilterBuilder";
import { GoButton } from "../../parts/GoButton";
import { Outside } from "../../parts/Outside";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Notice, Problem } from "../../parts/Problem";
import { SearchBox } from "../../parts/SearchBox";
import { type Column, type Sort, VirtualTable } from "../../parts/VirtualTable";
import { errorWords } from "../../words/error";
import { number } from "../../words/numbers";
import { cellText } from "../../words/value";
import { BulkBar } from "./BulkBar";
import { useColumnNames } from "./columns";
import { ColumnsMenu } from "./ColumnsMenu";
import { objectName } from "./draft";
import { ExportButton } from "./ExportButton";
import { type Kind, listPlace, newPlace, objectPlace, objectsCount, objectsWord } from "./kind";
import type { ListState } from "./listState";
import { kindQuery, objectsList } from "./queries";
import { useSelection } from "./useSelection";

/** Objects that one page looks through where no index leads to the matches. */
const LOOKED = 5_000;

/** Addresses are long and states are short; the others share what is left. */
const WIDTHS: Record<string, string> = { userName: "28%", mail: "28%", accountStatus: "110px" };

function columnsOf(kind: Kind, names: string[]): Column<UserRow>[] {
  return names.flatMap((name) => {
    const attribute = kind.attributes.find((one) => one.name === name);
    if (!attribute) return [];
    return {
      key: name,
      title: attribute.title,
      width: WIDTHS[name],
      sortable: attribute.searchable,
      cell: (user: UserRow) => {
        const text = cellText(user.attributes[name]);
        return text === "" ? <span className="text-soft">{"\u2013"}</span> : <Outside text={text} />;
      },
    };
  });
}

function sortOf(text: string | undefined): Sort | null {
  return text ? { key: text.replace(/^-/, ""), descending: text.startsWith("-") } : null;
}

export function UsersPage() {
  const state = useSearch({ from: "/users" });
  return <ObjectsPage name="user" state={state} />;
}

export function KindPage() {
  const { kind } = useParams({ from: "/objects/$kind" });
  const state = useSearch({ from: "/objects/$kind" });
  return <ObjectsPage key={kind} name={kind} state={state} />;
}

function ObjectsPage({ name, state }: { name: string; state: ListState }) {
  const { q = "", filter = "", sort } = state;
  const navigate = useNavigate();
  const kind = useQuery(kindQuery(name));
  const list = useInfiniteQuery(objectsList(name, state));
  const [names, setNames] = useColumnNames(kind.data);
  const [filtering, setFiltering] = useState(filter !== "");
  const shownNames = names.join("\n");
  const columns = useMemo(() => (kind.data ? columnsOf(kind.data, shownNames.split("\n")) : []), [kind.data, shownNames]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = list;
  const next = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const show = useCallback((part: ListState) => void navigate({ ...listPlace(name, { ...state, ...part }), replace: true }), [name, navigate, state]);
  const search = useCallback((text: string) => show({ q: text || undefined }), [show]);
  // A page without a row says only that there is none among those looked through so far.
  const looking = hasNextPage && list.data?.pages.at(-1)?.objects.length === 0;
  useEffect(() => {
    if (looking && !isFetchingNextPage) void fetchNextPage();
  }, [looking, isFetchingNextPage, fetchNextPage]);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.objects) ?? [], [list.data]);
  const picked = useSelection(rows);
  const first = list.data?.pages[0];
  const error = kind.error ?? (filter === "" ? list.error : null);
  const asked = q.trim() !== "" || filter !== "";
  // How many match is counted up to a bound. How many there are at all is known; of matches there are as many as have come, and
  // more while there is a next page.
  const all = asked ? 0 : (kind.data?.objects ?? 0);
  const total = first?.totalIsLeast ? Math.max(first.total, rows.length, all) : (first?.total ?? 0);
  const least = first?.totalIsLeast === true && all === 0 && (hasNextPage || total > rows.length);
  const told = first && kind.data ? (asked ? t`${objectsCount(kind.data, total, least)} found` : objectsCount(kind.data, total, least)) : "";
  // What was asked last is counted while the rows of the question before still stand: their number is not the answer.
  const [counted, setCounted] = useState(told);
  if (!list.isPlaceholderData && counted !== told) setCounted(told);

  return (
    <Page
      flush
      title={kind.data?.title ?? name}
      trail={
        name === "user" ? undefined : (
          <Link to="/types" className="rounded-sm hover:underline">
            {t`Managed Objects`}
          </Link>
        )
      }
      beside={
        <span role="status" className="min-w-0 shrink-[9999] truncate text-soft" title={counted}>
          {counted}
        </span>
      }
      actions={
        kind.data && (
          <>
            <SearchBox label={t`Search ${objectsWord(kind.data, true)}`} value={q} onChange={search} />
            <Button aria-expanded={filtering} aria-controls="list-filter" className={filter === "" ? "" : "border-accent! text-accent"} onClick={() => setFiltering(!filtering)}>
              {t`Filter`}{filter !== "" && <span className="sr-only"> {t`(in use)`}</span>}
            </Button>
            <ColumnsMenu kind={kind.data} names={names} onChange={setNames} />
            <ExportButton kind={kind.data} state={state} columns={names} />
            <GoButton look="primary" icon="plus" go={newPlace(name)}>
              {t`New ${objectsWord(kind.data, false)}`}
            </GoButton>
          </>
        )
      }
      below={
        filtering &&
        kind.data && (
          <div id="list-filter" role="group" aria-label={t`Filter`} className="mt-3 flex max-w-3xl flex-col gap-2">
            <FilterBuilder
              label={t`Filter`}
              value={filter}
              variable=""
              attributes={kind.data.attributes.map((attribute) => ({ id: attribute.name, note: [attribute.title, attribute.searchable ? "" : t`not indexed`].filter(Boolean).join(", ") }))}
              errors={list.error ? [errorWords(list.error)] : []}
              onChange={(text) => show({ filter: text || undefined })}
            />
            {filter !== "" && (
              <div>
                <Button look="quiet" className="-ml-2.5" onClick={() => show({ filter: undefined })}>
                  {t`Clear filter`}
                </Button>
              </div>
            )}
            {first?.scanned && <Notice tone="waits">{t`None of these attributes is searchable, so every object has to be looked at. Make one searchable under Managed Objects to get an answer at once.`}</Notice>}
          </div>
        )
      }
    >
      {error ? (
        <div className="p-6">
          <Problem error={error} />
        </div>
      ) : !list.data || !kind.data ? (
        list.error ? null : (
          <div className="px-6 pt-7">
            <Skeleton rows={12} />
          </div>
        )
      ) : rows.length === 0 && looking ? (
        <div className="px-6 pt-7">
          <p role="status" className="mb-3 text-soft">
            {t`None among the first ${number(list.data.pages.length * LOOKED)} looked through; looking further.`}
          </p>
          <Skeleton rows={8} />
        </div>
      ) : rows.length === 0 ? (
        <div className="p-6">
          <Nothing>
            {q.trim() !== "" ? (
              <Trans>
                No {objectsWord(kind.data, false)} has an attribute that starts with {"\u201c"}
                <bdi>{q}</bdi>
                {"\u201d"}<Select value={filter === "" ? "all" : "filtered"} _filtered=" and meets the filter" other="" />.
              </Trans>
            ) : filter !== "" ? (
              t`No ${objectsWord(kind.data, false)} meets the filter.`
            ) : name === "user" ? (
              t`No users yet. Reconcile a mapping whose target is User, or add one by hand.`
            ) : (
              t`No ${objectsWord(kind.data, true)} yet. Reconcile a mapping whose target they are, or add one by hand.`
            )}
          </Nothing>
        </div>
      ) : (
        <div className="flex min-h-0 flex-1 flex-col">
          <VirtualTable
            label={name === "user" ? t`Users` : kind.data.title}
            columns={columns}
            rows={rows}
            rowKey={(user) => user.id}
            rowName={(user) => objectName(user.attributes)}
            total={hasNextPage ? Math.max(total, rows.length + 1) : rows.length}
            sort={sortOf(sort)}
            onSort={({ key, descending }) => show({ sort: `${descending ? "-" : ""}${key}` })}
            onOpen={(user) => void navigate(objectPlace(name, user.id, state))}
            onNearEnd={next}
            place={`${q.trim()} ${filter} ${sort ?? ""}`}
            selection={picked.selection}
          />
          {picked.ids.length > 0 && <BulkBar kind={kind.data} state={state} picked={picked} columns={names} total={total} totalIsLeast={least} />}
        </div>
      )}
    </Page>
  );
}
