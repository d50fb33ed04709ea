import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";

import type { RunMode } from "../../backend/bindings/RunMode";
import type { RunSummary } from "../../backend/bindings/RunSummary";
import { Button } from "../../parts/Button";
import { Problem } from "../../parts/Problem";
import { useStartRun } from "./queries";

/** Runs that read only what changed at the source since the last run of the mapping looked. */
export function Incremental({ mapping, onRun }: { mapping: string; onRun: (run: RunSummary) => void }) {
  const start = useStartRun();
  const begin = (mode: RunMode) => start.mutate({ mapping, mode, incremental: true }, { onSuccess: onRun });
  const starting = start.isPending ? start.variables.mode : null;
  return (
    <section aria-label={t`Incremental`} className="shrink-0 border-b border-line px-6 py-2">
      <div className="flex items-center gap-2">
        <p className="min-w-0 flex-1 text-soft">
          <Trans><span className="font-medium text-ink">Incremental</span> reads only what has changed since the last run looked: fewer calls, and no look for what was deleted.</Trans>
        </p>
        <Button busy={starting === "preview"} disabled={start.isPending} onClick={() => begin("preview")}>
          {t`Preview changes`}
        </Button>
        <Button busy={starting === "reconcile"} disabled={start.isPending} onClick={() => begin("reconcile")}>
          {t`Reconcile changes`}
        </Button>
      </div>
      {start.error && (
        <div className="mt-2">
          <Problem error={start.error} />
        </div>
      )}
    </section>
  );
}
