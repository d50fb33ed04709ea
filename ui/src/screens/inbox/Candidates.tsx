import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { KeyboardEvent, ReactNode } from "react";

import type { InboxQuestion } from "../../backend/bindings/InboxQuestion";
import type { SampleRecord } from "../../backend/bindings/SampleRecord";
import { ask } from "../../backend/query";
import { Id, Outside } from "../../parts/Outside";
import { Notice } from "../../parts/Problem";
import { TELLING } from "../../words/attributes";
import { cellText } from "../../words/value";
import { objectPlace } from "../users/kind";

const MANAGED = "managed/";
const SHOWN = 3;
/** Matches are few; a script that gives hundreds is wrong, and nobody reads them all. */
const MOST = 20;

/** The records that match, as people know them, one of them to be chosen where there is a choice. */
export function Candidates({ question, candidates, targetPath, chosen, onChoose, onEnter }: {
  question: InboxQuestion;
  candidates: string[];
  /** The resource that they are records of. */
  targetPath: string;
  chosen: string | null;
  onChoose: ((id: string, name: string) => void) | null;
  /** Enter was pressed on the chosen one. */
  onEnter: () => void;
}) {
  const kind = targetPath.startsWith(MANAGED) ? targetPath.slice(MANAGED.length) : null;
  const ids = candidates.slice(0, MOST);
  const named = useQuery({ ...ask("records_named", { resource: targetPath, ids }), enabled: targetPath !== "", refetchOnWindowFocus: false, staleTime: 30_000 });
  const records = new Map(named.data?.records.map((record) => [record.id, record]));

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" || chosen === null) return;
    event.preventDefault();
    onEnter();
  }

  return (
    <fieldset className="flex min-w-0 flex-col">
      <legend className="mb-1 text-sm text-soft">{question.kind === "sourceGone" ? t`The record that came of it` : t`Records that match`}</legend>
      {named.data?.stale && (
        <Notice tone="waits">
          <Trans>As last seen: <bdi>{named.data.stale}</bdi></Trans>
        </Notice>
      )}
      {ids.map((id) => {
        const record = records.get(id);
        return (
          <div key={id} className="flex min-h-8 min-w-0 items-center gap-2 border-b border-line last:border-0">
            <Choosable by={onChoose && <input type="radio" name={`question-${question.id}`} aria-label={t`Choose ${record?.title ?? id}`} className="size-3.5 shrink-0 accent-accent-fill" checked={chosen === id} onChange={() => onChoose(id, record?.title ?? id)} onKeyDown={onKeyDown} />}>
              {record ? <Known record={record} /> : named.data && <span className="text-soft">{t`not there any more`}</span>}
            </Choosable>
            {kind !== null && record && (
              <Link {...objectPlace(kind, id)} className="shrink-0 rounded-sm text-sm text-accent hover:underline" aria-label={t`Open ${record.title}`}>
                {t`Open`}
              </Link>
            )}
            <Id id={id} what={t`record id`} />
            {id === question.target && <span className="shrink-0 text-sm text-soft">{t`linked now`}</span>}
          </div>
        );
      })}
      {candidates.length > MOST && <p className="pt-1 text-sm text-soft">{t`${candidates.length - MOST} more match; make the rule of the mapping tell them apart.`}</p>}
    </fieldset>
  );
}

function Choosable({ by, children }: { by: ReactNode; children: ReactNode }) {
  const look = "flex min-w-0 flex-1 items-center gap-2";
  if (!by) return <div className={look}>{children}</div>;
  return (
    <label className={look}>
      {by}
      {children}
    </label>
  );
}

/** A record by its name and by what tells it from others of that name. */
function Known({ record }: { record: SampleRecord }) {
  const telling = TELLING.map((name) => cellText(record.attributes[name])).filter((text) => text !== "" && text !== record.title);
  return (
    <>
      <span className="max-w-[45%] shrink-0 truncate font-medium">
        <Outside text={record.title} />
      </span>
      <span className="min-w-0 truncate text-soft">
        <Outside text={[...new Set(telling)].slice(0, SHOWN).join(", ")} />
      </span>
    </>
  );
}
