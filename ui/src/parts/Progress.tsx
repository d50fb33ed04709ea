import { t } from "@lingui/core/macro";

import { number } from "../words/numbers";

/** How far a run is. Without a known total the bar only shows that it is alive. */
export function Progress({ label, done, total }: { label: string; done: number; total: number | null }) {
  const percent = total && total > 0 ? Math.min(100, Math.round((done / total) * 100)) : null;
  const words = total ? t`${number(done)} of ${number(total)}` : number(done);
  return (
    <div className="flex items-center gap-3">
      <div
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        // Some readers and all testers look for a number; before the total is known it is 0.
        aria-valuenow={percent ?? 0}
        aria-valuetext={percent === null ? t`${words} so far` : `${words}, ${percent} %`}
        className="h-1.5 min-w-24 flex-1 overflow-hidden rounded-full bg-line"
      >
        <div
          className={`h-full rounded-full bg-accent-fill transition-[width] duration-300 ${percent === null ? "animate-pulse-soft" : ""}`}
          style={{ width: `${percent ?? 12}%` }}
        />
      </div>
      <span className="shrink-0 text-sm text-soft">{words}</span>
    </div>
  );
}
