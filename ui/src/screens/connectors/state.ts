import { t } from "@lingui/core/macro";

import type { ConnectorState } from "../../backend/bindings/ConnectorState";
import type { ConnectorSummary } from "../../backend/bindings/ConnectorSummary";
import type { Tone } from "../../parts/State";
import { saidBy } from "../../words/error";
import { ago, fullTime } from "../../words/time";

export const CONNECTOR_STATE: Record<ConnectorState, { tone: Tone; text: string }> = {
  active: { tone: "fine", text: t`Active` },
  error: { tone: "needs", text: t`Error` },
  disabled: { tone: "off", text: t`Disabled` },
  untested: { tone: "waits", text: t`Untested` },
};

/** What is wrong with a connector; none when nothing is. A refusal in a run or a delivery is told from a test that failed. */
export function stateWords({ message, refusedAt }: ConnectorSummary): string | null {
  if (message === null) return null;
  const said = saidBy(message);
  return refusedAt === null ? said : t`Its last use was refused. ${said}`;
}

/** "tested 2 h ago", or since when it is refused, with the whole time; none for what was neither tested nor refused. */
export function stateSince({ testedAt, refusedAt }: ConnectorSummary, now: number): { text: string; title: string } | null {
  if (refusedAt !== null) return { text: t`refused ${ago(refusedAt, now)}`, title: fullTime(refusedAt) };
  return testedAt === null ? null : { text: t`tested ${ago(testedAt, now)}`, title: fullTime(testedAt) };
}

const PROVIDERS: Record<string, string> = { hubspot: "HubSpot", salesforce: "Salesforce", scim: "SCIM" };

export function providerName(provider: string): string {
  return PROVIDERS[provider] ?? provider;
}
