import { plural, t } from "@lingui/core/macro";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { RunSummary } from "../../backend/bindings/RunSummary";
import { SegmentedChoice } from "../../parts/SegmentedChoice";
import { number } from "../../words/numbers";
import { runOutcome, runPurpose, runState } from "../../words/run";
import { fullTime } from "../../words/time";
import { useNow } from "../../words/useNow";
import { runsList } from "./queries";
import { lanes, scale, type Span, SPANS } from "./timeline";

const FILLS = { fine: "bg-bar-create", waits: "bg-waits", needs: "bg-bar-needs", off: "bg-bar-skip", busy: "bg-accent animate-pulse-soft" };
/** Lanes that are drawn; a longer list is for the table. */
const LANES = 8;

/** When what ran, drawn: a lane for each mapping. The table below tells the same in words. */
export function Timeline() {
  const runs = useInfiniteQuery(runsList(null));
  const now = useNow();
  const [span, setSpan] = useState<Span>("day");
  const { ms, label } = SPANS.find(({ value }) => value === span) ?? SPANS[0];
  const all = runs.data?.pages.flatMap((page) => page.runs) ?? [];
  const found = lanes(all, now, ms);
  // The table below stays where it is when the first lane arrives.
  if (runs.isPending) return <div aria-hidden="true" className="h-[101px] shrink-0 border-b border-line" />;
  if (all.length === 0) return null;
  const drawn = found.reduce((sum, { marks }) => sum + marks.length, 0);
  // Older runs are read when the table comes to them.
  const least = runs.hasNextPage && Date.parse(all.at(-1)?.started ?? "") > now - ms;
  const counted = least ? t`${number(drawn)}+ runs` : plural(drawn, { one: "# run", other: "# runs" });
  return (
    <section aria-label={t`Timeline`} className="shrink-0 border-b border-line px-6 py-3">
      <div className="mb-2 flex items-center gap-3">
        <p className="text-soft" role="status">
          {t`${counted} in the last ${label}`}
        </p>
        <div className="ml-auto">
          <SegmentedChoice label={t`Span`} hideLabel value={span} options={SPANS.map(({ value, label: words }) => ({ value, label: words }))} onChange={setSpan} />
        </div>
      </div>
      {/* Who does not see it reads the table. */}
      <div aria-hidden="true" className="grid grid-cols-[minmax(120px,22%)_minmax(0,1fr)] gap-x-3">
        {found.slice(0, LANES).map(({ mapping, marks }) => (
          <div key={mapping} className="contents">
            <span className="truncate text-sm leading-6 text-soft" title={mapping}>
              <bdi>{mapping}</bdi>
            </span>
            <span className="relative my-0.5 block h-5 rounded-sm bg-sunken">
              {marks.map(({ run, left, width }) => (
                <Link
                  key={run.id}
                  to="/runs/$id"
                  params={{ id: run.id }}
                  tabIndex={-1}
                  title={words(run)}
                  className={`absolute top-0.5 h-4 min-w-1 rounded-[2px] hover:brightness-110 ${FILLS[runState(run).tone]}`}
                  style={{ left: `min(${left}%, 100% - 4px)`, width: `${width}%` }}
                />
              ))}
            </span>
          </div>
        ))}
        <span className="truncate text-xs text-soft">{found.length > LANES && t`${number(found.length - LANES)} more in the table`}</span>
        <span className="relative block h-4">
          {scale(now, span).map(({ at, label: words }) => (
            <span key={words} className="absolute -translate-x-1/2 text-xs whitespace-nowrap text-soft" style={{ left: `clamp(24px, ${at}%, 100% - 30px)` }}>
              {words}
            </span>
          ))}
        </span>
      </div>
    </section>
  );
}

function words(run: RunSummary): string {
  return [t`${runPurpose(run)} of ${run.mapping}`, fullTime(run.started), runState(run).text, runOutcome(run)].filter(Boolean).join("\n");
}
