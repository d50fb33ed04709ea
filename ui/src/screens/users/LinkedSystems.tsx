import type { LinkedSystem } from "../../backend/bindings/LinkedSystem";
import { Id, Outside } from "../../parts/Outside";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { cellText } from "../../words/value";

/** The records of other systems that this user stands for, as they were last seen. */
export function LinkedSystems({ linked }: { linked: LinkedSystem[] }) {
  const now = useNow();
  if (linked.length === 0) return <p className="text-soft">Linked to no other system yet.</p>;
  return (
    <ul className="flex flex-col gap-4">
      {linked.map((system) => (
        <li key={`${system.mapping} ${system.linkQualifier} ${system.uid}`} className="overflow-hidden rounded-md border border-line">
          <div className="flex items-center gap-2 bg-sunken px-3 py-1.5">
            <h3 className="min-w-0 flex-1 truncate font-medium">
              <bdi>{system.connectorTitle}</bdi> <span className="font-normal text-soft">{system.objectType}</span>
            </h3>
            <Id id={system.uid} what={`${system.connectorTitle} id`} />
          </div>
          {system.attributes ? (
            <table className="rows" aria-label={`${system.connectorTitle} ${system.objectType} as last seen`}>
              <tbody>
                {Object.entries(system.attributes).map(([name, value]) => (
                  <tr key={name}>
                    <th scope="row" className="w-32 text-soft" title={name}>
                      {name}
                    </th>
                    <td>{cellText(value) === "" ? <span className="text-soft">{"\u2013"}</span> : <Outside text={cellText(value)} />}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <p className="px-3 py-2 text-soft">Not read yet.</p>
          )}
          <p className="truncate px-3 py-1.5 text-sm text-soft" title={system.mapping}>
            {system.seenAt && <span title={fullTime(system.seenAt)}>seen {ago(system.seenAt, now)} </span>}
            by <bdi>{system.mapping}</bdi>
            {system.linkQualifier !== "default" && <> ({system.linkQualifier})</>}
          </p>
        </li>
      ))}
    </ul>
  );
}
