import { Link } from "@tanstack/react-router";

import type { HistoryRow } from "../../backend/bindings/HistoryRow";
import { Outside } from "../../parts/Outside";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { cellText } from "../../words/value";

export function History({ rows, titleOf }: { rows: HistoryRow[]; titleOf: (attribute: string) => string }) {
  const now = useNow();
  if (rows.length === 0) return <p className="text-soft">Nothing has changed since this user was made.</p>;
  return (
    <table className="rows inset" aria-label="History">
      <thead>
        <tr>
          <th scope="col" className="w-24">When</th>
          <th scope="col" className="w-[24%]">Who</th>
          <th scope="col">Attribute</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={`${row.at} ${row.attribute} ${index}`}>
            <td title={fullTime(row.at)}>{ago(row.at, now)}</td>
            <td title={row.mapping ?? row.who}>
              {row.run ? (
                <Link to="/runs/$id" params={{ id: row.run }} className="rounded-sm hover:underline">
                  <bdi>{row.mapping ?? row.who}</bdi>
                </Link>
              ) : (
                <bdi>{row.who}</bdi>
              )}
            </td>
            <th scope="row">{titleOf(row.attribute)}</th>
            <td className="text-soft">
              <Outside text={cellText(row.before) || "\u2013"} />
            </td>
            <td>
              <Outside text={cellText(row.after) || "\u2013"} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
