import { plural, t } from "@lingui/core/macro";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useState } from "react";

import { call } from "../../backend";
import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { RecordRow } from "../../backend/bindings/RecordRow";
import { ask } from "../../backend/query";
import { Button, IconButton } from "../../parts/Button";
import { CopyButton, Outside } from "../../parts/Outside";
import { Nothing, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { SearchBox } from "../../parts/SearchBox";
import { SidePanel } from "../../parts/SidePanel";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { cellText } from "../../words/value";
import { ColumnsPicker } from "./ColumnsPicker";
import { tellingAttributes } from "./tellingAttributes";
import { TypeList } from "./TypeList";
import { TroubleButtons } from "./TroubleButtons";

const PAGE = 50;
/** Columns beside an open record. */
const BESIDE = 3;

/** The columns that somebody picked, by connector and type, while the program runs. */
const picked = new Map<string, string[]>();

const ID: Column<RecordRow> = { key: "__id", title: t`Id`, width: "130px", cell: ({ id }) => <code className="font-mono text-sm">{id}</code> };

function valueColumn(attribute: string, title: string): Column<RecordRow> {
  return {
    key: attribute,
    title,
    cell: ({ attributes: values }) => {
      const text = cellText(values[attribute]);
      return text === "" ? <span className="text-soft">{"\u2013"}</span> : <Outside text={text} />;
    },
  };
}

/** The records of a system as they are now, read past every mapping. */
export function DataTab({ connector }: { connector: ConnectorSummary }) {
  const { name, objectTypes } = connector;
  const search = useSearch({ from: "/connectors/$name" });
  const navigate = useNavigate();
  const type = search.type && objectTypes.includes(search.type) ? search.type : (objectTypes[0] ?? "");
  if (type === "") {
    return (
      <div className="px-6 py-5">
        <Nothing>{t`This connector cannot tell its object types. Correct what Details says is wrong, then test it.`}</Nothing>
      </div>
    );
  }
  return (
    <div className="flex min-h-0 flex-1">
      <TypeList types={objectTypes} value={type} onChange={(next) => void navigate({ to: "/connectors/$name", params: { name }, search: { tab: "data", type: next } })} />
      <Records key={type} name={name} type={type} />
    </div>
  );
}

function Records({ name, type }: { name: string; type: string }) {
  const key = `${name}/${type}`;
  const [words, setWords] = useState("");
  const [columns, setColumns] = useState(() => picked.get(key));
  const [open, setOpen] = useState<RecordRow | null>(null);
  const schema = useQuery({ ...ask("connector_schema", { name, objectType: type }), refetchOnWindowFocus: false });
  const known = schema.data?.attributes ?? [];
  const attributes = columns ?? tellingAttributes(known).map((attribute) => attribute.name);
  const records = useInfiniteQuery({
    queryKey: ["connector_records", name, type, words, attributes] as const,
    queryFn: ({ pageParam }) => call("connector_records", { name, objectType: type, search: words || null, attributes, after: pageParam, limit: PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    enabled: attributes.length > 0,
    refetchOnWindowFocus: false,
  });
  const rows = records.data?.pages.flatMap((page) => page.records) ?? [];
  const { fetchNextPage, hasNextPage, isFetching } = records;
  const more = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetching]);
  const labels = new Map(known.map((attribute) => [attribute.name, attribute.label || attribute.name]));
  const error = schema.error ?? records.error;

  function choose(next: string[]) {
    picked.set(key, next);
    setColumns(next);
  }

  // Beside an open record there is room for the first few; all of them stand in the record.
  const table = [ID, ...(open ? attributes.slice(0, BESIDE) : attributes).map((attribute) => valueColumn(attribute, labels.get(attribute) ?? attribute))];
  return (
    <div className="relative flex min-h-0 min-w-0 flex-1">
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <div className="flex h-12 shrink-0 items-center gap-3 px-6">
          <SearchBox label={t`Search ${type}`} value={words} onChange={setWords} />
          <span role="status" className="truncate text-soft">
            {records.isFetching ? t`Reading\u2026` : records.data && (hasNextPage ? t`the first ${plural(rows.length, { one: "# record", other: "# records" })}` : plural(rows.length, { one: "# record", other: "# records" }))}
          </span>
          <span className="ml-auto" />
          <IconButton icon="retry" label={t`Read again`} disabled={records.isFetching} onClick={() => void records.refetch()} />
          <ColumnsPicker known={known} value={attributes} onChange={choose} />
        </div>
        {error ? (
          <div className="px-6">
            <Problem
              error={error}
              action={
                <>
                  {error.code === "unauthorized" && <TroubleButtons connector={name} trouble="authorize" />}
                  <Button onClick={() => void (schema.error ? schema.refetch() : records.refetch())}>{t`Read again`}</Button>
                </>
              }
            />
          </div>
        ) : !records.data ? (
          <div className="px-6">
            <Skeleton rows={12} />
          </div>
        ) : rows.length === 0 && !hasNextPage ? (
          <div className="px-6">
            <Nothing>{words ? t`No ${type} has a value that begins with these words.` : t`There is no ${type}, or none that this connector may see.`}</Nothing>
          </div>
        ) : (
          <VirtualTable
            label={t`Records of ${type}`}
            columns={table}
            rows={rows}
            rowKey={({ id }) => id}
            rowName={({ id }) => id}
            total={rows.length + (hasNextPage ? 1 : 0)}
            openKey={open?.id ?? null}
            onOpen={(row) => setOpen((now) => (now?.id === row.id ? null : row))}
            onMove={(row) => setOpen((now) => (now ? row : now))}
            onNearEnd={more}
            place={`${key} ${words}`}
          />
        )}
      </div>
      {open && (
        <SidePanel label={`${type} ${open.id}`} onClose={() => setOpen(null)}>
          <div className="flex items-center gap-2">
            <h2 className="min-w-0 flex-1 truncate font-semibold">
              {type} <code className="font-mono font-normal">{open.id}</code>
            </h2>
            <CopyButton text={open.id} label={t`Copy id`} />
            <Button look="quiet" onClick={() => setOpen(null)}>
              {t`Close`}
            </Button>
          </div>
          <Whole row={open} labels={labels} attributes={attributes} />
        </SidePanel>
      )}
    </div>
  );
}

function Whole({ row, labels, attributes }: { row: RecordRow; labels: Map<string, string>; attributes: string[] }) {
  return (
    <dl className="grid grid-cols-[140px_minmax(0,1fr)] gap-x-3 gap-y-1.5">
      {attributes.map((attribute) => (
        <div key={attribute} className="contents">
          <dt className="truncate text-soft" title={attribute}>
            <bdi>{labels.get(attribute) ?? attribute}</bdi>
          </dt>
          <dd className="min-w-0 break-words">
            <bdi>{cellText(row.attributes[attribute]) || "\u2013"}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}
