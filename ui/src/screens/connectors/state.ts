import type { ConnectorState } from "../../backend/bindings/ConnectorState";
import type { Tone } from "../../parts/State";

export const CONNECTOR_STATE: Record<ConnectorState, { tone: Tone; text: string }> = {
  active: { tone: "fine", text: "Active" },
  error: { tone: "needs", text: "Error" },
  disabled: { tone: "off", text: "Disabled" },
  untested: { tone: "waits", text: "Untested" },
};

const PROVIDERS: Record<string, string> = { hubspot: "HubSpot", salesforce: "Salesforce", scim: "SCIM" };

export function providerName(provider: string): string {
  return PROVIDERS[provider] ?? provider;
}
