import { t } from "@lingui/core/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { HistoryRow } from "../../backend/bindings/HistoryRow";
import { Button } from "../../parts/Button";
import { SelectField } from "../../parts/Field";
import { Outside } from "../../parts/Outside";
import { Section, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { cellText, shortId } from "../../words/value";
import { objectHistory } from "./queries";

const EVERY = "";

/** What changed about an object, by whom and by which run of which mapping; all of it, or one attribute's. */
export function History({ kind, id, attributes, titleOf }: { kind: string; id: string; attributes: string[]; titleOf: (attribute: string) => string }) {
  const [attribute, setAttribute] = useState(EVERY);
  const history = useInfiniteQuery(objectHistory(kind, id, attribute || null));
  const rows = history.data?.pages.flatMap((page) => page.rows) ?? [];
  const sorted = attributes.toSorted((a, b) => titleOf(a).localeCompare(titleOf(b)));
  const words = { [EVERY]: t`All attributes`, ...Object.fromEntries(attributes.map((name) => [name, titleOf(name)])) };
  return (
    <Section title={t`History`} aside={<SelectField label={t`Attribute`} hideLabel value={attribute} options={[EVERY, ...sorted]} words={words} onChange={setAttribute} />}>
      {history.error ? (
        <Problem error={history.error} />
      ) : !history.data ? (
        <Skeleton rows={3} />
      ) : rows.length === 0 ? (
        <p className="text-soft">{attribute === EVERY ? t`Nothing has changed since it was made.` : t`${titleOf(attribute)} was never changed.`}</p>
      ) : (
        <>
          <HistoryTable rows={rows} titleOf={titleOf} />
          {history.hasNextPage && (
            <div className="mt-2">
              <Button busy={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
                {t`Earlier changes`}
              </Button>
            </div>
          )}
        </>
      )}
    </Section>
  );
}

function HistoryTable({ rows, titleOf }: { rows: HistoryRow[]; titleOf: (attribute: string) => string }) {
  const now = useNow();
  return (
    <table className="rows inset" aria-label={t`History`}>
      <thead>
        <tr>
          <th scope="col" className="w-24">{t`When`}</th>
          <th scope="col" className="w-[16%]">{t`Who`}</th>
          <th scope="col" className="w-[22%]">{t`By`}</th>
          <th scope="col">{t`Attribute`}</th>
          <th scope="col">{t`Before`}</th>
          <th scope="col">{t`After`}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={`${row.at} ${row.attribute} ${index}`}>
            <td title={fullTime(row.at)}>{ago(row.at, now)}</td>
            <td>
              {row.run && row.who.endsWith(row.run) ? <span title={row.who}>{t`run ${shortId(row.run)}`}</span> : <Outside text={row.who} />}
            </td>
            <td title={row.mapping ?? undefined}>
              <Origin row={row} />
            </td>
            <th scope="row">{titleOf(row.attribute)}</th>
            <td className="text-soft">
              <Value value={row.before} />
            </td>
            <td>
              <Value value={row.after} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The run that made a change, or the mapping that did without one, or the form. */
function Origin({ row }: { row: HistoryRow }) {
  if (row.run) {
    return (
      <Link to="/runs/$id" params={{ id: row.run }} className="rounded-sm text-accent hover:underline">
        <bdi>{row.mapping ?? t`a run`}</bdi>
      </Link>
    );
  }
  if (row.mapping) {
    return (
      <Link to="/mappings/$name" params={{ name: row.mapping }} className="rounded-sm hover:underline">
        <bdi>{row.mapping}</bdi>
      </Link>
    );
  }
  return <span className="text-soft">{t`by hand`}</span>;
}

function Value({ value }: { value: unknown }) {
  const text = cellText(value);
  return text === "" ? <span className="text-soft">{"\u2013"}</span> : <Outside text={text} />;
}
