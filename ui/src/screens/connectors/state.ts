import { t } from "@lingui/core/macro";

import type { ConnectorState } from "../../backend/bindings/ConnectorState";
import type { Tone } from "../../parts/State";

export const CONNECTOR_STATE: Record<ConnectorState, { tone: Tone; text: string }> = {
  active: { tone: "fine", text: t`Active` },
  error: { tone: "needs", text: t`Error` },
  disabled: { tone: "off", text: t`Disabled` },
  untested: { tone: "waits", text: t`Untested` },
};

const PROVIDERS: Record<string, string> = { hubspot: "HubSpot", salesforce: "Salesforce", scim: "SCIM" };

export function providerName(provider: string): string {
  return PROVIDERS[provider] ?? provider;
}
