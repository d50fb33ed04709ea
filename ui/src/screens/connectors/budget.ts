import { plural, t } from "@lingui/core/macro";

import type { ConnectorUsage } from "../../backend/bindings/ConnectorUsage";
import { DATES } from "../../locales/language";
import type { Tone } from "../../parts/State";
import { number } from "../../words/numbers";
import { until } from "../../words/time";

/** How a connection's budget of calls reads. What the provider did not tell is not made up. */
export interface Budget {
  /** Of the provider's day. */
  daily: { used: number; limit: number; share: number; tone: Tone; text: string } | null;
  /** Of its short interval, as of its last answer. */
  interval: string | null;
  /** Until when it makes no calls. */
  rests: string | null;
  /** The same where there is little room. */
  restsShort: string | null;
  /** What there is to say where no limit was told. */
  silent: string | null;
}

const CLOCK = new Intl.DateTimeFormat(DATES, { hour: "2-digit", minute: "2-digit" });
/** From this share of the day's calls on, the budget is shown as running low, and as nearly used up. */
const LOW = 0.75;
const OUT = 0.95;

export function budgetOf(usage: ConnectorUsage | null, provider: string, now: number): Budget {
  if (usage === null) return { daily: null, interval: null, rests: null, restsShort: null, silent: t`Not used since Concord was started, so nothing is known of its limits. Test asks.` };
  const { calls, dailyUsed, dailyLimit, intervalUsed, intervalLimit, intervalSeconds, restsUntil } = usage;
  const share = dailyUsed !== null && dailyLimit !== null && dailyLimit > 0 ? Math.min(1, dailyUsed / dailyLimit) : null;
  const daily =
    share !== null && dailyUsed !== null && dailyLimit !== null
      ? { used: dailyUsed, limit: dailyLimit, share, tone: (share >= OUT ? "needs" : share >= LOW ? "waits" : "fine") as Tone, text: t`${number(dailyUsed)} of ${number(dailyLimit)} calls today` }
      : null;
  const interval = intervalUsed !== null && intervalLimit !== null && intervalSeconds !== null ? t`${number(intervalUsed)} of ${number(intervalLimit)} in ${intervalSeconds} s, at its last answer` : null;
  const over = restsUntil !== null && Date.parse(restsUntil) <= now;
  const rests = restsUntil !== null && !over ? t`Rests until ${CLOCK.format(Date.parse(restsUntil))} (${until(restsUntil, now)}), because a limit was reached; it goes on by itself.` : null;
  const restsShort = rests === null || restsUntil === null ? null : t`Rests until ${CLOCK.format(Date.parse(restsUntil))} (${until(restsUntil, now)})`;
  const silent = daily === null && interval === null ? t`${provider} has told no limit. ${plural(calls, { one: "# call", other: "# calls" })} since Concord was started.` : null;
  return { daily, interval, rests, restsShort, silent };
}
