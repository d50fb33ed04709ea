import { t } from "@lingui/core/macro";

/** How Salesforce's settings read as choices. */

export type Environment = "production" | "sandbox" | "custom";

const TOKEN_PATH = "/services/oauth2/token";
export const LOGIN_URLS = {
  production: `https://login.salesforce.com${TOKEN_PATH}`,
  sandbox: `https://test.salesforce.com${TOKEN_PATH}`,
} as const;

export const CLIENT_CREDENTIALS = "client_credentials";
export type Grant = "refresh_token" | typeof CLIENT_CREDENTIALS;

/** What may stand for an environment in a document that was written by hand: IDM's token address, the host, the word. */
const HOSTS: [Environment, RegExp][] = [
  ["production", /^(production|(https:\/\/)?login\.salesforce\.com(\/.*)?)$/i],
  ["sandbox", /^(sandbox|(https:\/\/)?test\.salesforce\.com(\/.*)?)$/i],
];

export function environmentOf(values: Record<string, unknown>): Environment {
  const url = values["loginUrl"];
  if (typeof url !== "string") return "production";
  return HOSTS.find(([, pattern]) => pattern.test(url.trim()))?.[0] ?? "custom";
}

export function grantOf(values: Record<string, unknown>): Grant {
  return values["grantType"] === CLIENT_CREDENTIALS ? CLIENT_CREDENTIALS : "refresh_token";
}

/** Why tokens cannot come from the login address that was chosen. */
export function wrongLogin(values: Record<string, unknown>): string | null {
  const environment = environmentOf(values);
  if (environment === "custom" && String(values["loginUrl"]).trim() === "") return t`Enter the address where you log in, for example https://acme.my.salesforce.com.`;
  if (environment !== "custom" && grantOf(values) === CLIENT_CREDENTIALS) return t`Client credentials are given out by your My Domain only: choose Custom and enter its address.`;
  return null;
}
