import { plural, t } from "@lingui/core/macro";
import { Link } from "@tanstack/react-router";

import type { SchemaDrift } from "../../backend/bindings/SchemaDrift";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Outside } from "../../parts/Outside";
import { Problem } from "../../parts/Problem";
import { ago, fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { useDriftSeen } from "./queries";

/** What changed in an object type since somebody last looked, with the mappings that each change touches. */
export function DriftPart({ connector, drift }: { connector: string; drift: SchemaDrift }) {
  const seen = useDriftSeen();
  const now = useNow();
  const { objectType, changes, changedAt } = drift;
  if (changes.length === 0) return null;
  return (
    <section aria-label={t`Changes of ${objectType}`} className="mb-5 rounded-md border border-line">
      <div className="flex items-center gap-3 border-b border-line bg-waits-soft px-3 py-1.5">
        <h2 className="min-w-0 flex-1 truncate font-medium text-waits">
          {t`${plural(changes.length, { one: "# change", other: "# changes" })} at the system`}
          {changedAt && (
            <span className="font-normal" title={fullTime(changedAt)}>
              {t`, found ${ago(changedAt, now)}`}
            </span>
          )}
        </h2>
        <Button
          busy={seen.isPending}
          onClick={() =>
            seen.mutate({ name: connector, objectType }, { onSuccess: () => announce(t`${plural(changes.length, { one: "# change", other: "# changes" })} of ${objectType} marked as seen`) })
          }
        >
          {t`Mark as seen`}
        </Button>
      </div>
      <ul className="max-h-70 overflow-y-auto px-3 py-1.5" aria-label={t`What changed`}>
        {changes.map((change) => (
          <li key={`${change.attribute} ${change.kind}`} className="flex flex-col py-1">
            <p className="min-w-0">
              <code className="font-mono text-sm">
                <Outside text={change.attribute} />
              </code>{" "}
              <bdi>{change.words}</bdi>
            </p>
            {change.mappings.map(({ mapping, effect, breaks }) => (
              <p key={mapping} className="flex items-baseline gap-2 pl-4">
                <span aria-hidden="true" className={`relative top-[-1px] size-1.5 shrink-0 rounded-full ${breaks ? "bg-needs" : "bg-waits"}`} />
                <span className="min-w-0">
                  <Link to="/mappings/$name" params={{ name: mapping }} className="rounded-sm underline">
                    <bdi>{mapping}</bdi>
                  </Link>{" "}
                  <span className={breaks ? "text-needs" : "text-soft"}>{effect}</span>
                </span>
              </p>
            ))}
          </li>
        ))}
      </ul>
      {seen.error && <Problem error={seen.error} />}
    </section>
  );
}
