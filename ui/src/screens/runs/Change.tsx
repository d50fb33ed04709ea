import type { ChangeRow } from "../../backend/bindings/ChangeRow";
import { valueText } from "../../words/value";

/** `sn: "Li" -> "Lee"`, several after one another, on one line; of a removed record only what it was. */
export function Changes({ changes, removed = false }: { changes: ChangeRow[]; removed?: boolean }) {
  return (
    <span title={changes.map((change) => `${change.attribute}: ${valueText(change.before)} \u2192 ${valueText(change.after)}`).join("\n")}>
      {changes.map((change, index) => (
        <span key={change.attribute}>
          {index > 0 && <span className="text-soft">, </span>}
          <span className="text-soft">{change.attribute}: </span>
          {removed ? (
            <del className="text-soft">
              <bdi>{valueText(change.before)}</bdi>
            </del>
          ) : (
            <>
              {change.before !== null && change.before !== undefined && (
                <>
                  <bdi>{valueText(change.before)}</bdi> <span className="text-soft">{"\u2192"}</span>{" "}
                </>
              )}
              <bdi>{valueText(change.after)}</bdi>
            </>
          )}
        </span>
      ))}
    </span>
  );
}
