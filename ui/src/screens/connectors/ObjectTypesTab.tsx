import { plural, t } from "@lingui/core/macro";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";

import type { AttributeInfo } from "../../backend/bindings/AttributeInfo";
import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import { ask, refresh } from "../../backend/query";
import { Button } from "../../parts/Button";
import { Outside } from "../../parts/Outside";
import { Nothing, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { SearchBox } from "../../parts/SearchBox";
import { DriftPart } from "./DriftPart";
import { connectorDrift } from "./queries";
import { TypeList } from "./TypeList";
import { TroubleButtons } from "./TroubleButtons";

/** The object types of a system, the attributes of the chosen one as they are now, and what changed in them. */
export function ObjectTypesTab({ connector }: { connector: ConnectorSummary }) {
  const { name, objectTypes } = connector;
  const search = useSearch({ from: "/connectors/$name" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const type = search.type && objectTypes.includes(search.type) ? search.type : (objectTypes[0] ?? "");
  const [words, setWords] = useState("");
  const schema = useQuery({ ...ask("connector_schema", { name, objectType: type }), enabled: type !== "", staleTime: 0, refetchOnWindowFocus: false });
  const drifts = useQuery(connectorDrift(name));
  const readAt = schema.dataUpdatedAt;

  // A schema that was just read may have brought news.
  useEffect(() => {
    if (readAt > 0) void refresh(client, "connector_drift", "connector_get", "connectors_list");
  }, [client, readAt]);

  if (objectTypes.length === 0) {
    return (
      <div className="px-6 py-5">
        <Nothing>{t`This connector cannot tell its object types. Correct what Details says is wrong, then test it.`}</Nothing>
      </div>
    );
  }
  const drift = drifts.data?.find(({ objectType }) => objectType === type);
  const changed = Object.fromEntries((drifts.data ?? []).map(({ objectType, changes }) => [objectType, changes.length]));
  return (
    <div className="flex min-h-0 flex-1">
      <TypeList types={objectTypes} value={type} marks={changed} onChange={(next) => void navigate({ to: "/connectors/$name", params: { name }, search: { tab: "types", type: next } })} />
      <div className="flex min-h-0 min-w-0 flex-1 flex-col overflow-y-auto px-6 py-4">
        {drift && <DriftPart key={type} connector={name} drift={drift} />}
        {schema.error ? (
          <Problem
            error={schema.error}
            action={
              <>
                {schema.error.code === "unauthorized" && <TroubleButtons connector={name} trouble="authorize" />}
                <Button onClick={() => void schema.refetch()}>{t`Read again`}</Button>
              </>
            }
          />
        ) : !schema.data ? (
          <Skeleton rows={10} />
        ) : (
          <Attributes attributes={schema.data.attributes} type={type} words={words} onWords={setWords} reading={schema.isFetching} onRead={() => void schema.refetch()} />
        )}
      </div>
    </div>
  );
}

function Attributes({ attributes, type, words, onWords, reading, onRead }: {
  attributes: AttributeInfo[];
  type: string;
  words: string;
  onWords: (words: string) => void;
  reading: boolean;
  onRead: () => void;
}) {
  const shown = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return attributes.filter(({ name, label, kind }) => wanted.every((word) => `${name} ${label} ${kind}`.toLowerCase().includes(word)));
  }, [attributes, words]);
  return (
    <>
      <div className="mb-2 flex items-center gap-3">
        <SearchBox label={t`Search attributes of ${type}`} value={words} onChange={onWords} atOnce />
        <span role="status" className="text-soft">
          {shown.length === attributes.length ? plural(attributes.length, { one: "# attribute", other: "# attributes" }) : t`${shown.length} of ${plural(attributes.length, { one: "# attribute", other: "# attributes" })}`}
        </span>
        <span className="ml-auto" />
        <Button busy={reading} icon="retry" onClick={onRead}>
          {t`Read again`}
        </Button>
      </div>
      <table className="rows inset" aria-label={t`Attributes of ${type}`}>
        <thead>
          <tr>
            <th scope="col" className="w-[30%]">{t`Attribute`}</th>
            <th scope="col" className="w-[30%]">{t`Label`}</th>
            <th scope="col" className="w-[14%]">{t`Type`}</th>
            <th scope="col">{t`Rules`}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((attribute) => (
            <tr key={attribute.name}>
              <th scope="row" title={attribute.name}>
                <code className="font-mono text-sm">
                  <bdi>{attribute.name}</bdi>
                </code>
              </th>
              <td title={attribute.label}>{attribute.label !== attribute.name && <Outside text={attribute.label} />}</td>
              <td>{attribute.kind}</td>
              <td className="text-soft" title={attribute.options.length > 0 ? attribute.options.join(", ") : undefined}>
                {rules(attribute)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <p className="py-4 text-soft">{t`No attribute of ${type} is called like that.`}</p>}
    </>
  );
}

function rules({ required, writable, unique, options }: AttributeInfo): string {
  return [required && t`required`, !writable && t`read-only`, unique && t`unique`, options.length > 0 && t`${plural(options.length, { one: "# value", other: "# values" })} to choose from`].filter(Boolean).join(", ");
}
