import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";

import type { AssociationRow } from "../../../backend/bindings/AssociationRow";
import type { MappingDetail } from "../../../backend/bindings/MappingDetail";
import type { SampleRecord } from "../../../backend/bindings/SampleRecord";
import { ask } from "../../../backend/query";
import { announce } from "../../../parts/Announcer";
import { Button, IconButton } from "../../../parts/Button";
import { Id, Outside } from "../../../parts/Outside";
import { Problem } from "../../../parts/Problem";
import { SearchBox } from "../../../parts/SearchBox";
import { SidePanel } from "../../../parts/SidePanel";
import { State } from "../../../parts/State";
import { sentence } from "../../../words/error";
import { situationWords } from "../../../words/situations";
import { useLinkChange } from "./associations";
import { useEditor } from "./EditorContext";
import { addressOf } from "./records";

const MOST_LISTED = 20;

/** The situations of a record that is linked to one that is there. */
const LINKED = new Set(["CONFIRMED", "UNQUALIFIED"]);

/** One record of the source: what it is linked to, what matches it, and any other record that it may belong to. */
export function AssociationPanel({ detail, row, qualifier, onClose }: { detail: MappingDetail; row: AssociationRow; qualifier: string; onClose: () => void }) {
  const { name, target } = useEditor();
  const [search, setSearch] = useState("");
  const typed = useCallback((text: string) => setSearch(text), []);
  const { source } = row;
  // By the mapping as it is saved: links are.
  const trial = useQuery({ ...ask("mapping_try", { config: detail.config, sourceId: source.id, linkQualifier: qualifier }), refetchOnWindowFocus: false });
  const found = useQuery({ ...ask("records_sample", { resource: target.path, search: search.trim(), attributes: [], limit: MOST_LISTED }), enabled: search.trim() !== "", refetchOnWindowFocus: false });
  const change = useLinkChange();
  // The row is as it was when it was opened; what the trial has found since is newer.
  const situation = trial.data?.situation;
  const stands = situation === undefined || situation === "" || situation === "MISSING";
  const linked = stands ? row.target : LINKED.has(situation) ? (trial.data?.target ?? null) : null;
  const linkedId = linked?.id ?? (stands ? row.targetId : null);
  const others = (trial.data?.candidates ?? []).filter(({ id }) => id !== linkedId);

  function link(record: SampleRecord) {
    change.mutate({ link: true, change: { mapping: name, source: source.id, target: record.id, linkQualifier: qualifier } }, { onSuccess: () => announce(t`${source.title || source.id} is linked to ${record.title || record.id}; the next run or change brings their values in line`) });
  }

  function unlink() {
    change.mutate({ link: false, change: { mapping: name, source: source.id, target: null, linkQualifier: qualifier } }, { onSuccess: () => announce(t`${source.title || source.id} is linked to nothing now`) });
  }

  return (
    <SidePanel label={t`Link of ${source.title}`} onClose={onClose}>
      <div className="flex items-center gap-1">
        <h2 className="min-w-0 flex-1 truncate text-lg font-semibold">
          <Outside text={source.title} />
        </h2>
        <IconButton icon="close" label={t`Close link`} onClick={onClose} />
      </div>
      <div className="flex min-w-0 items-center gap-2 text-soft">
        <bdi className="min-w-0 truncate">{addressOf(source)}</bdi>
        <Id id={source.id} what={t`source id`} />
      </div>
      {trial.error && <Problem error={trial.error} />}
      {trial.data && (
        <p className="break-words">
          <State tone={situationWords(trial.data.situation)?.tone ?? "off"}>{trial.data.situation || t`not looked at`}</State>{" "}
          <bdi className="text-soft">{sentence(trial.data.why)}</bdi>
        </p>
      )}
      {change.error && <Problem error={change.error} />}
      <section aria-label={t`Linked to`} className="flex flex-col gap-2 border-t border-line pt-3">
        <h3 className="font-medium">{t`Linked to`}</h3>
        {linkedId === null ? (
          <p className="text-soft"><Trans>No record of <bdi>{target.title}</bdi>.</Trans></p>
        ) : (
          <div className="flex min-w-0 items-center gap-2">
            <Who record={linked} id={linkedId} />
            <Button className="ml-auto" busy={change.isPending && !change.variables.link} disabled={change.isPending} title={t`Both records stay as they are`} onClick={unlink}>
              {t`Unlink`}
            </Button>
          </div>
        )}
      </section>
      {others.length > 0 && (
        <section aria-label={t`Records that match`} className="flex flex-col border-t border-line pt-3">
          <h3 className="mb-1 font-medium">{t`Records that match`}</h3>
          <Records records={others} busy={change.isPending ? (change.variables.change.target ?? null) : null} instead={linkedId !== null} onLink={link} />
        </section>
      )}
      <section aria-label={t`Another record`} className="flex flex-col gap-2 border-t border-line pt-3">
        <h3 className="font-medium">{t`Another record`}</h3>
        <SearchBox label={t`Search ${target.title}`} value={search} onChange={typed} />
        {found.error && <Problem error={found.error} />}
        {found.data && found.data.records.length === 0 && <p className="text-soft">{t`No record begins so.`}</p>}
        {found.data && search.trim() !== "" && <Records records={found.data.records.filter(({ id }) => id !== linkedId)} busy={change.isPending ? (change.variables.change.target ?? null) : null} instead={linkedId !== null} onLink={link} />}
        {found.data && search.trim() !== "" && found.data.records.length >= MOST_LISTED && <p className="text-sm text-soft">{t`The first ${MOST_LISTED}; type more to find others.`}</p>}
      </section>
    </SidePanel>
  );
}

function Records({ records, busy, instead, onLink }: { records: SampleRecord[]; busy: string | null; instead: boolean; onLink: (record: SampleRecord) => void }) {
  return (
    <ul className="flex flex-col">
      {records.map((record) => (
        <li key={record.id} className="flex min-h-9 min-w-0 items-center gap-2 border-b border-line last:border-0">
          <Who record={record} id={record.id} />
          <Button className="ml-auto" busy={busy === record.id} disabled={busy !== null} aria-label={t`Link to ${record.title}`} onClick={() => onLink(record)}>
            {instead ? t`Link instead` : t`Link`}
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Who({ record, id }: { record: SampleRecord | null; id: string }) {
  if (!record) {
    return (
      <span className="flex min-w-0 items-center gap-2">
        <Id id={id} what={t`record id`} /> <span className="text-sm text-needs">{t`gone`}</span>
      </span>
    );
  }
  return (
    <span className="flex min-w-0 flex-col">
      <span className="truncate font-medium">
        <Outside text={record.title} />
      </span>
      <bdi className="truncate text-sm text-soft" title={record.id}>
        {addressOf(record)}
      </bdi>
    </span>
  );
}
