import { t } from "@lingui/core/macro";

import { Button } from "../../parts/Button";
import { Outside } from "../../parts/Outside";
import { cellText } from "../../words/value";
import type { Conflict } from "./question";

/** What each side says of an attribute, and what both said when they last agreed. */
export function ConflictTable({ conflicts, source, target, busy, onKeep }: {
  conflicts: Conflict[];
  source: string;
  target: string;
  busy: boolean;
  onKeep: (side: "source" | "target", attribute: string) => void;
}) {
  const several = conflicts.length > 1;
  const cell = (side: "source" | "target", conflict: Conflict) => (
    <td>
      <span className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate">
          <Value value={conflict[side]} />
        </span>
        {several && (
          <Button look="quiet" disabled={busy} aria-label={t`Keep ${conflict.attribute} of ${side === "source" ? source : target}`} title={t`Answers for this attribute only; the others are asked again`} onClick={() => onKeep(side, conflict.attribute)}>
            {t`Keep`}
          </Button>
        )}
      </span>
    </td>
  );
  return (
    <table className="rows inset" aria-label={t`Values of both sides`}>
      <thead>
        <tr>
          <th scope="col" className="w-[18%]">{t`Attribute`}</th>
          <th scope="col" className="w-[22%]">{t`Last in sync`}</th>
          <th scope="col"><bdi>{source}</bdi></th>
          <th scope="col"><bdi>{target}</bdi></th>
        </tr>
      </thead>
      <tbody>
        {conflicts.map((conflict) => (
          <tr key={conflict.attribute}>
            <th scope="row">
              <bdi>{conflict.attribute}</bdi>
            </th>
            <td className="text-soft">
              <Value value={conflict.base} />
            </td>
            {cell("source", conflict)}
            {cell("target", conflict)}
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
