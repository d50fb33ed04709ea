import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ask } from "../../backend/query";
import { Button } from "../../parts/Button";
import { Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { sentence } from "../../words/error";
import { valueText } from "../../words/value";

const OUTCOMES: Record<string, string> = { written: t`written`, cleared: t`cleared`, unchanged: t`unchanged`, notApplied: t`not applied`, kept: t`kept`, asked: t`asks you`, failed: t`failed` };

/** Why each value comes out as it does, property by property, with the records as they are now. */
export function Trace({ mapping, sourceId, qualifier }: { mapping: string; sourceId: string; qualifier: string }) {
  const [open, setOpen] = useState(false);
  return (
    <section aria-label={t`Trace`} className="flex flex-col gap-2">
      <Button look="quiet" icon={open ? "down" : "chevron"} className="self-start" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t`Why these values`}
      </Button>
      {open && <Steps mapping={mapping} sourceId={sourceId} qualifier={qualifier} />}
    </section>
  );
}

function Steps({ mapping, sourceId, qualifier }: { mapping: string; sourceId: string; qualifier: string }) {
  const detail = useQuery(ask("mapping_get", { name: mapping }));
  const trial = useQuery({ ...ask("mapping_try", { config: detail.data?.config ?? {}, sourceId, linkQualifier: qualifier }), enabled: detail.data !== undefined, refetchOnWindowFocus: false });
  const error = detail.error ?? trial.error;
  if (error) return <Problem error={error} />;
  if (!trial.data) return <Skeleton rows={4} />;
  return (
    <>
      <p className="text-sm text-soft">
        <Trans>With the mapping and the records as they are now. <bdi>{sentence(trial.data.why)}</bdi></Trans>
      </p>
      <ol className="flex flex-col gap-2">
        {trial.data.properties.map((row) => (
          <li key={row.target} className="rounded-md border border-line px-2.5 py-1.5">
            <div className="flex items-baseline gap-2">
              <code className="min-w-0 flex-1 truncate font-mono text-sm" title={row.target}>
                {row.target}
              </code>
              <span className={row.outcome === "failed" ? "text-needs" : "text-soft"}>{OUTCOMES[row.outcome] ?? row.outcome}</span>
            </div>
            <p className="break-words">
              <bdi>{valueText(row.before)}</bdi> <span className="text-soft">{"\u2192"}</span> <bdi>{valueText(row.after)}</bdi>
            </p>
            <p className="text-sm break-words text-soft">
              <bdi>{sentence(row.why)}</bdi>
            </p>
            {row.steps.length > 1 && (
              <ul className="mt-0.5 text-sm text-soft">
                {row.steps.map((step) => (
                  <li key={`${step.name} ${step.text}`} className="break-words">
                    {step.name}: <bdi>{step.text}</bdi>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}
