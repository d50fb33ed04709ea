import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";

import type { RunDetail } from "../../backend/bindings/RunDetail";
import { SearchBox } from "../../parts/SearchBox";
import { actionWords } from "../../words/actions";
import { ACTION_HELP } from "../../words/situations";
import { number } from "../../words/numbers";
import type { EntryFilter } from "./queries";
import { actionCounts, STALE_MEANS, situationSegments } from "./segments";

/** Chips with counts: by what is done, and by IDM's situation; and a search. */
export function EntryFilters({ detail, filter, found, beside, onChange }: { detail: RunDetail; filter: EntryFilter; found: string; beside?: ReactNode; onChange: (filter: EntryFilter) => void }) {
  const actions = actionCounts(detail);
  const situations = situationSegments(detail);
  const none = filter.action === null && filter.situation === null && !filter.failed && !filter.stale;
  return (
    <div className="flex items-start gap-x-4 gap-y-2 max-[1100px]:flex-wrap">
      <div role="group" aria-label={t`Filter records`} className="flex min-w-0 flex-1 flex-wrap items-center gap-1 max-[1100px]:basis-full">
        <Chip pressed={none} onPress={() => onChange({ ...filter, action: null, situation: null, failed: false, stale: false })}>
          {t`All`}
        </Chip>
        {actions.map((action) => (
          <Chip
            key={action.name}
            count={action.count}
            meaning={ACTION_HELP[action.name] ?? action.meaning}
            pressed={filter.action === action.name}
            onPress={() => onChange({ ...filter, action: filter.action === action.name ? null : action.name })}
          >
            {actionWords(action.name).label}
          </Chip>
        ))}
        {detail.summary.failed > 0 && (
          <Chip count={detail.summary.failed} pressed={filter.failed} onPress={() => onChange({ ...filter, failed: !filter.failed, stale: false })}>
            {t`Failed`}
          </Chip>
        )}
        {detail.summary.stale > 0 && (
          <Chip count={detail.summary.stale} meaning={STALE_MEANS} pressed={filter.stale} onPress={() => onChange({ ...filter, stale: !filter.stale, failed: false })}>
            {t`Not made`}
          </Chip>
        )}
        <span aria-hidden="true" className="mx-1 h-4 w-px bg-line" />
        {situations.map((situation) => (
          <Chip
            key={situation.name}
            mono
            count={situation.count}
            meaning={situation.meaning}
            pressed={filter.situation === situation.name}
            onPress={() => onChange({ ...filter, situation: filter.situation === situation.name ? null : situation.name })}
          >
            {situation.name}
          </Chip>
        ))}
      </div>
      <div className="flex shrink-0 items-center gap-3 max-[1100px]:ml-auto">
        <span role="status" className="shrink-0 text-soft">
          {found}
        </span>
        <SearchBox label={t`Search records`} value={filter.search} onChange={(search) => onChange({ ...filter, search })} />
        {beside}
      </div>
    </div>
  );
}

function Chip({ pressed, count, meaning, mono = false, onPress, children }: { pressed: boolean; count?: number; meaning?: string; mono?: boolean; onPress: () => void; children: string }) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      title={meaning}
      onClick={onPress}
      className={`inline-flex h-6 items-center gap-1.5 rounded-sm border px-2 whitespace-nowrap ${pressed ? "border-accent bg-picked text-ink" : "border-line text-soft hover:bg-hover hover:text-ink"}`}
    >
      <span className={mono ? "font-mono text-xs" : ""}>{children}</span>{" "}
      {count !== undefined && <span className="font-medium text-ink">{number(count)}</span>}
    </button>
  );
}
