import { plural, t } from "@lingui/core/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";

import type { AssociationRow } from "../../../backend/bindings/AssociationRow";
import type { AssociationStanding } from "../../../backend/bindings/AssociationStanding";
import { Button } from "../../../parts/Button";
import { Id, Outside } from "../../../parts/Outside";
import { Section, Skeleton } from "../../../parts/Page";
import { Notice, Problem } from "../../../parts/Problem";
import { SearchBox } from "../../../parts/SearchBox";
import { SegmentedChoice } from "../../../parts/SegmentedChoice";
import { State } from "../../../parts/State";
import { associations } from "./associations";
import { useEditor } from "./EditorContext";
import { addressOf } from "./records";

const STANDINGS: { value: AssociationStanding; label: string }[] = [
  { value: "any", label: t`All` },
  { value: "linked", label: t`Linked` },
  { value: "unlinked", label: t`Not linked` },
  { value: "dangling", label: t`Record gone` },
];

const NONE: Record<AssociationStanding, string> = {
  any: t`No record of the source has been seen yet. A preview reads them.`,
  linked: t`No record has a link.`,
  unlinked: t`Every record has a link.`,
  dangling: t`Every linked record is there.`,
};

/** Each record of the source with the one that it is linked to; a row opens to be put right by hand. */
export function ManualAssociation({ opened, onOpen }: { opened: string | null; onOpen: (row: AssociationRow, qualifier: string) => void }) {
  const { name, source, target, draft } = useEditor();
  const [standing, setStanding] = useState<AssociationStanding>("any");
  const [search, setSearch] = useState("");
  const [qualifier, setQualifier] = useState<string | null>(null);
  const list = useInfiniteQuery(associations({ mapping: name, linkQualifier: qualifier, standing, search: search.trim() || null }));
  const typed = useCallback((text: string) => setSearch(text), []);
  const pages = list.data?.pages ?? [];
  const first = pages[0];
  const rows = pages.flatMap((page) => page.rows);
  return (
    <Section title={t`Links by hand`} aside={<SearchBox label={t`Search source records`} value={search} onChange={typed} />}>
      <div className="mb-3 flex flex-wrap items-end gap-4">
        <SegmentedChoice label={t`Which records`} hideLabel value={standing} options={STANDINGS} onChange={setStanding} />
        {first && first.qualifiers.length > 1 && (
          <label className="flex items-center gap-2 text-soft">
            {t`Link qualifier`}
            <select className="field w-auto!" value={first.linkQualifier} onChange={(event) => setQualifier(event.target.value)}>
              {first.qualifiers.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
        <span role="status" className="pb-1 text-sm text-soft">
          {first && (search.trim() !== "" ? first.more ? t`${plural(rows.length, { one: "# record", other: "# records" })} found in ${source.title}, and more` : t`${plural(rows.length, { one: "# record", other: "# records" })} found in ${source.title}` : first.live ? t`the first ${plural(rows.length, { one: "# record", other: "# records" })} of ${source.title}, read now` : t`as last seen`)}
        </span>
      </div>
      {draft.changes > 0 && (
        <div className="mb-3">
          <Notice tone="waits">{t`Links go by the mapping as it is saved.`}</Notice>
        </div>
      )}
      {list.error ? (
        <Problem error={list.error} />
      ) : !first ? (
        <Skeleton rows={5} />
      ) : (
        <>
          {rows.length > 0 ? (
            <table className="rows inset" aria-label={t`Links`}>
              <thead>
                <tr>
                  <th scope="col">
                    <bdi>{source.title}</bdi>
                  </th>
                  <th scope="col">
                    <bdi>{target.title}</bdi>
                  </th>
                  <th scope="col" className="w-44">{t`Standing`}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.source.id} className={opened === row.source.id ? "bg-picked" : "hover:bg-hover"} onClick={() => onOpen(row, first.linkQualifier)}>
                    <th scope="row">
                      <button type="button" aria-current={opened === row.source.id || undefined} className="flex max-w-full min-w-0 items-baseline gap-2 rounded-sm text-left" onClick={() => onOpen(row, first.linkQualifier)}>
                        <span className="max-w-[65%] shrink-0 truncate font-medium">
                          <Outside text={row.source.title} />
                        </span>
                        <bdi className="min-w-0 truncate text-soft" title={addressOf(row.source)}>{addressOf(row.source)}</bdi>
                      </button>
                    </th>
                    <td>
                      <LinkedTo row={row} />
                    </td>
                    <td>
                      <Standing row={row} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <p className="text-soft">{search.trim() !== "" ? t`No record begins so.` : list.hasNextPage ? t`None among the records looked through so far.` : NONE[standing]}</p>
          )}
          {list.hasNextPage && (
            <div className="mt-3">
              <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                {rows.length > 0 ? t`More records` : t`Look further`}
              </Button>
            </div>
          )}
        </>
      )}
    </Section>
  );
}

function LinkedTo({ row }: { row: AssociationRow }) {
  if (row.target) {
    return (
      <span className="flex min-w-0 items-baseline gap-2">
        <Outside text={row.target.title} className="max-w-[65%]! shrink-0" />
        <bdi className="min-w-0 truncate text-soft" title={addressOf(row.target)}>{addressOf(row.target)}</bdi>
      </span>
    );
  }
  if (row.targetId !== null) return <Id id={row.targetId} what={t`record id`} />;
  return <span className="text-soft">{"\u2013"}</span>;
}

function Standing({ row }: { row: AssociationRow }) {
  if (row.target) return <State tone="fine">{t`linked`}</State>;
  if (row.targetId !== null) return <State tone="needs">{t`its record is gone`}</State>;
  if (row.candidates > 1) return <State tone="needs">{`${plural(row.candidates, { one: "# record matches", other: "# records match" })}`}</State>;
  return <State tone="off">{t`not linked`}</State>;
}
