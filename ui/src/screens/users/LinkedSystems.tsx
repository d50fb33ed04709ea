import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { LinkedSystem } from "../../backend/bindings/LinkedSystem";
import type { MappingDetail } from "../../backend/bindings/MappingDetail";
import type { Trial } from "../../backend/bindings/Trial";
import { ask } from "../../backend/query";
import { Button } from "../../parts/Button";
import { Id, Outside } from "../../parts/Outside";
import { Notice } from "../../parts/Problem";
import { State } from "../../parts/State";
import { errorWords, unnamed } from "../../words/error";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { cellText } from "../../words/value";
import { type Pair, pairsOf } from "./compare";
import type { Kind } from "./kind";

/** The records of other systems that this object stands for: each beside the object, as it is over there now. */
export function LinkedSystems({ kind, id, linked, titleOf }: { kind: Kind; id: string; linked: LinkedSystem[]; titleOf: (attribute: string) => string }) {
  if (linked.length === 0) return <p className="text-soft">{t`Linked to no other system yet.`}</p>;
  return (
    <ul className="flex flex-col gap-4">
      {linked.map((system) => (
        <li key={`${system.mapping} ${system.linkQualifier} ${system.uid}`} className="overflow-hidden rounded-md border border-line">
          <System kind={kind} id={id} system={system} titleOf={titleOf} />
        </li>
      ))}
    </ul>
  );
}

function System({ kind, id, system, titleOf }: { kind: Kind; id: string; system: LinkedSystem; titleOf: (attribute: string) => string }) {
  const now = useNow();
  const mapping = useQuery({ ...ask("mapping_get", { name: system.mapping }), staleTime: 60_000 });
  const toOwn = mapping.data?.summary.target === `managed/${kind.name}`;
  const live = useQuery({
    ...ask("mapping_try", { config: mapping.data?.config ?? {}, sourceId: toOwn ? system.uid : id, linkQualifier: system.linkQualifier }),
    enabled: mapping.data !== undefined,
    refetchOnWindowFocus: false,
  });
  const there = live.data && (toOwn ? true : live.data.target !== null);
  const unread = live.error ?? mapping.error;
  const name = `${system.connectorTitle} ${system.objectType}`;
  return (
    <>
      <div className="flex items-center gap-2 bg-sunken px-3 py-1.5">
        <h3 className="min-w-0 flex-1 truncate font-medium">
          <bdi>{system.connectorTitle}</bdi> <span className="font-normal text-soft">{system.objectType}</span>
        </h3>
        <Id id={system.uid} what={t`${system.connectorTitle} id`} />
      </div>
      {live.data && mapping.data && there ? (
        <Compared name={name} trial={live.data} mapping={mapping.data} toOwn={toOwn} connectorTitle={system.connectorTitle} ownTitle={kind.title} titleOf={titleOf} />
      ) : (
        <>
          {(unread || there === false) && (
            <div className="p-2">
              <Notice tone="waits">
                {there === false ? t`The record is not there any more.` : unread && <bdi>{errorWords(unnamed(unread))}</bdi>}
                {system.attributes && <> {t`Below is what was last seen of it.`}</>}
              </Notice>
            </div>
          )}
          {system.attributes ? <LastSeen name={name} attributes={system.attributes} /> : !live.isPending && <p className="px-3 py-2 text-soft">{t`Not read yet.`}</p>}
        </>
      )}
      <div className="flex min-w-0 items-center gap-2 px-3 py-1 text-sm text-soft">
        <span className="min-w-0 flex-1 truncate">
          {live.data && there ? <span title={fullTime(new Date(live.dataUpdatedAt).toISOString())}>{t`read ${ago(new Date(live.dataUpdatedAt).toISOString(), now)}`}</span> : system.seenAt && <span title={fullTime(system.seenAt)}>{t`seen ${ago(system.seenAt, now)}`}</span>}{" "}
          <Trans>by{" "}
          <Link to="/mappings/$name" params={{ name: system.mapping }} className="rounded-sm hover:underline" title={system.mapping}>
            <bdi>{system.mapping}</bdi>
          </Link></Trans>
          {system.linkQualifier !== "default" && <> ({system.linkQualifier})</>}
        </span>
        <Button look="quiet" busy={live.isFetching} onClick={() => void live.refetch()}>
          {t`Read again`}
        </Button>
      </div>
    </>
  );
}

/** Both sides attribute by attribute; where they differ in the mapping's eyes, the row says so. */
function Compared({ name, trial, mapping, toOwn, connectorTitle, ownTitle, titleOf }: { name: string; trial: Trial; mapping: MappingDetail; toOwn: boolean; connectorTitle: string; ownTitle: string; titleOf: (attribute: string) => string }) {
  const pairs = pairsOf(trial, mapping.config, toOwn);
  const differing = pairs.filter((pair) => "wanted" in pair || pair.kept).length;
  return (
    <>
      <p className="px-3 py-1.5" role="status">
        {differing === 0 ? <State tone="fine">{pairs.some(oneSided) ? t`the same on both sides, as far as the mapping goes` : t`the same on both sides`}</State> : <State tone="waits">{plural(differing, { one: "# attribute differs", other: "# attributes differ" })}</State>}
      </p>
      <table className="rows" aria-label={t`${name} beside ${ownTitle}`}>
        <thead>
          <tr>
            <th scope="col" className="w-28">{t`Attribute`}</th>
            <th scope="col">
              <bdi>{ownTitle}</bdi>
            </th>
            <th scope="col">
              <bdi>{connectorTitle}</bdi>
            </th>
          </tr>
        </thead>
        <tbody>
          {pairs.map((pair, index) => {
            const differs = "wanted" in pair;
            return (
              // Two properties may tie the same two attributes together.
              // oxlint-disable-next-line react/no-array-index-key
              <tr key={index} className={differs ? "bg-waits-soft" : ""}>
                <th scope="row" className="text-soft" title={`${pair.own || t`whole record`} ${toOwn ? "\u2190" : "\u2192"} ${pair.remote || t`whole record`}`}>
                  <bdi>{pair.own === "" ? t`(script)` : titleOf(pair.own)}</bdi>
                </th>
                <td>
                  <Value value={pair.ownValue} />
                </td>
                <td title={differs ? toOwn ? t`the next run sets ${cellText(pair.wanted) || t`nothing`} here` : t`the next run sets ${cellText(pair.wanted) || t`nothing`} there` : undefined}>
                  <span className="flex min-w-0 items-center gap-1.5">
                    <span className="min-w-0 flex-1 truncate">
                      <Value value={pair.remoteValue} />
                    </span>
                    {differs && (
                      <span className="shrink-0 text-waits" role="img" aria-label={t`differs`}>
                        {"\u2260"}
                      </span>
                    )}
                    {pair.kept && <span className="shrink-0 text-sm text-waits">{t`kept`}</span>}
                  </span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

/** A value that only one side has, and that the mapping has nothing to do about: a default for what is empty, for example. */
function oneSided({ own, ownValue, remote, remoteValue }: Pair): boolean {
  return own !== "" && remote !== "" && (cellText(ownValue) === "") !== (cellText(remoteValue) === "");
}

function LastSeen({ name, attributes }: { name: string; attributes: Record<string, unknown> }) {
  return (
    <table className="rows" aria-label={t`${name} as last seen`}>
      <tbody>
        {Object.entries(attributes).map(([attribute, value]) => (
          <tr key={attribute}>
            <th scope="row" className="w-32 text-soft" title={attribute}>
              {attribute}
            </th>
            <td>
              <Value value={value} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ value }: { value: unknown }) {
  const text = cellText(value);
  return text === "" ? <span className="text-soft">{"\u2013"}</span> : <Outside text={text} />;
}
