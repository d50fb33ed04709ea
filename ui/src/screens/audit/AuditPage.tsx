import { plural, t } from "@lingui/core/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

import type { AuditEntry } from "../../backend/bindings/AuditEntry";
import type { AuditTopic } from "../../backend/bindings/AuditTopic";
import { call } from "../../backend";
import { SelectField } from "../../parts/Field";
import { Button } from "../../parts/Button";
import { Outside } from "../../parts/Outside";
import { Nothing, Page, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { SearchBox } from "../../parts/SearchBox";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { shortId } from "../../words/value";
import { useExport } from "../runs/ExportMenu";
import { auditList } from "./queries";

const ALL = t`Everything`;

/** The topics that are written, as people read them. */
const TOPICS: Record<AuditTopic, string> = {
  configuration: t`Configuration`,
  connector: t`Connectors`,
  mapping: t`Mappings`,
  managed: t`Managed types`,
  object: t`Objects`,
  data: t`Data`,
  run: t`Runs`,
  schedule: t`Schedules`,
  queue: t`Queue`,
  inbox: t`Inbox`,
  rest: t`REST access`,
  scim: t`SCIM access`,
  serving: t`Serving`,
  settings: t`Settings`,
  vault: t`Vault`,
};

/** A topic as people read it; one that another version wrote stays as it is. */
function titleOf(topic: string): string {
  return (TOPICS as Record<string, string>)[topic] ?? topic;
}

/** Who did what, when: every change of the configuration, every decision by hand. */
export function AuditPage() {
  const { q = "", topic } = useSearch({ from: "/audit" });
  const navigate = useNavigate();
  const now = useNow();
  const audit = useInfiniteQuery(auditList(topic ?? null, q.trim() || null));
  const search = useCallback((text: string) => void navigate({ to: "/audit", search: (before) => ({ ...before, q: text || undefined }), replace: true }), [navigate]);
  const exporting = useExport((format) => call("audit_export", { format, topic: topic ?? null, search: q.trim() || null }), (rows) => plural(rows, { one: "# line", other: "# lines" }));
  const rows = audit.data?.pages.flatMap((page) => page.rows) ?? [];
  const byTitle = new Map(Object.entries(TOPICS).map(([id, title]) => [title, id]));
  return (
    <Page
      title={t`Audit`}
      actions={
        <>
          <SelectField
            label={t`Topic`}
            hideLabel
            value={topic ? titleOf(topic) : ALL}
            options={[ALL, ...Object.values(TOPICS)]}
            onChange={(title) => void navigate({ to: "/audit", search: (before) => ({ ...before, topic: byTitle.get(title) }), replace: true })}
          />
          <SearchBox label={t`Search the audit`} value={q} onChange={search} />
          {exporting.menu}
        </>
      }
    >
      {exporting.told && <div className="mb-3">{exporting.told}</div>}
      {audit.error ? (
        <Problem error={audit.error} />
      ) : !audit.data ? (
        <Skeleton rows={10} />
      ) : rows.length === 0 ? (
        <Nothing>{q || topic ? t`Nothing in the audit is like that.` : t`Nothing was done yet.`}</Nothing>
      ) : (
        <>
          <table className="rows inset" aria-label={t`Audit`}>
            <thead>
              <tr>
                <th scope="col" className="w-24">{t`When`}</th>
                <th scope="col" className="w-[14%]">{t`Who`}</th>
                <th scope="col" className="w-32">{t`Topic`}</th>
                <th scope="col" className="w-[28%]">{t`What`}</th>
                <th scope="col">{t`Done`}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id}>
                  <th scope="row" className="font-normal" title={fullTime(row.at)}>
                    {ago(row.at, now)}
                  </th>
                  <td>
                    <Outside text={row.who} />
                  </td>
                  <td>{titleOf(row.topic)}</td>
                  <td>
                    <Subject row={row} />
                  </td>
                  <td>
                    <Outside text={row.detail} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {audit.hasNextPage && (
            <div className="mt-3">
              <Button busy={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
                {t`Earlier`}
              </Button>
            </div>
          )}
        </>
      )}
    </Page>
  );
}

/** What a line is about; a thing that has a screen is the way there. */
function Subject({ row: { topic, object } }: { row: AuditEntry }) {
  const name = <Outside text={object} />;
  const look = "rounded-sm hover:underline";
  if (topic === "connector") return <Link to="/connectors/$name" params={{ name: object }} className={look}>{name}</Link>;
  if (topic === "mapping" && !object.includes(", ")) return <Link to="/mappings/$name" params={{ name: object }} className={look}>{name}</Link>;
  if (topic === "managed") return <Link to="/types/$name" params={{ name: object }} className={look}>{name}</Link>;
  if (topic === "run") return <Link to="/runs/$id" params={{ id: object }} className={look} title={object}>{shortId(object)}</Link>;
  return name;
}
