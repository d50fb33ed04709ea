import { t } from "@lingui/core/macro";

import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import { compact, number } from "../../words/numbers";
import { useNow } from "../../words/useNow";
import { type Budget, budgetOf } from "./budget";
import { providerName } from "./state";

const FILLS = { fine: "bg-accent-fill", waits: "bg-waits", needs: "bg-needs", off: "bg-off", busy: "bg-accent-fill" } as const;
const TEXTS = { fine: "text-soft", waits: "text-waits", needs: "text-needs", off: "text-soft", busy: "text-soft" } as const;

function Bar({ daily }: { daily: NonNullable<Budget["daily"]> }) {
  return (
    <span className="block h-1.5 overflow-hidden rounded-full bg-line" aria-hidden="true">
      <span className={`block h-full rounded-full ${FILLS[daily.tone]}`} style={{ width: `${Math.max(1, Math.round(daily.share * 100))}%` }} />
    </span>
  );
}

/** What a connection may still call: today, in the provider's short interval, and until when it rests. */
export function BudgetLines({ connector }: { connector: ConnectorSummary }) {
  const budget = budgetOf(connector.usage, providerName(connector.provider), useNow());
  return (
    <div className="flex flex-col gap-1.5">
      {budget.daily && (
        <>
          <p className="flex items-baseline justify-between gap-3">
            <span>{budget.daily.text}</span>
            <span className={`text-sm ${TEXTS[budget.daily.tone]}`}>{t`${number(budget.daily.limit - budget.daily.used)} left`}</span>
          </p>
          <Bar daily={budget.daily} />
        </>
      )}
      {budget.interval && <p className="text-sm text-soft">{budget.interval}</p>}
      {budget.silent && <p className="text-soft">{budget.silent}</p>}
      {budget.rests && (
        <p role="status" className="text-waits">
          {budget.rests}
        </p>
      )}
    </div>
  );
}

/** The same in the place of a table's cell. */
export function BudgetCell({ connector }: { connector: ConnectorSummary }) {
  const budget = budgetOf(connector.usage, providerName(connector.provider), useNow());
  if (budget.rests) {
    return (
      <span className="block truncate text-waits" title={budget.rests}>
        {budget.restsShort}
      </span>
    );
  }
  if (!budget.daily) {
    const short = budget.interval ?? (connector.usage ? t`limit not known` : t`not used yet`);
    return (
      <span className="block truncate text-soft" title={budget.silent ?? budget.interval ?? undefined}>
        {short}
      </span>
    );
  }
  // Who looks at it in a narrow window reads a number that is not cut.
  return (
    <span className="flex flex-col gap-1" title={[budget.daily.text, budget.interval].filter(Boolean).join("; ")}>
      <span className={`truncate text-sm leading-4 ${TEXTS[budget.daily.tone]}`}>{t`${compact(budget.daily.used)} of ${compact(budget.daily.limit)} today`}</span>
      <Bar daily={budget.daily} />
    </span>
  );
}
