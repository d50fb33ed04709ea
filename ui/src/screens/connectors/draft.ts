import { t } from "@lingui/core/macro";

import type { ApiError } from "../../backend/bindings/ApiError";
import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import type { ConnectorDraft } from "../../backend/bindings/ConnectorDraft";
import type { ConnectorProperty } from "../../backend/bindings/ConnectorProperty";
import { CLIENT_CREDENTIALS, grantOf, wrongLogin } from "./salesforce";

export type Credentials = "key" | "oauth";

/** What the form holds: texts and switches as typed, secrets only where a new one was entered. */
export interface ConnectorForm {
  name: string;
  title: string;
  enabled: boolean;
  credentials: Credentials;
  /** Whether the OAuth app proves itself by a secret; one of Salesforce may do without. */
  withSecret: boolean;
  values: Record<string, unknown>;
  secrets: Record<string, string>;
}

/** What a part of the form works on. */
export interface FormPart {
  detail: ConnectorDetail;
  form: ConnectorForm;
  errors: (property: string) => string[];
  onChange: (change: Partial<ConnectorForm>) => void;
}

const CREDENTIALS = new Set(["accessToken", "clientId", "clientSecret"]);
/** Settings that only an OAuth app has a use for. */
const OF_OAUTH = new Set(["refreshToken", "redirectUri", "scopes", "authorizeUrl"]);
/** What the part of the form for Salesforce asks for itself. */
const OF_SALESFORCE = new Set(["loginUrl", "grantType", "clientId", "clientSecret"]);

/** What the part of the form for SCIM asks for itself. */
const OF_SCIM = new Set(["SCIMEndpoint", "authenticationMethod", "authToken", "user", "password", "headerName", "tokenEndpoint", "clientId", "clientSecret"]);
/** What of that each way to sign in has a use for. */
export const SCIM_NEEDS: Record<string, { name: string; secret?: boolean; missing: string }[]> = {
  TOKEN: [{ name: "authToken", secret: true, missing: t`Paste the bearer token here.` }],
  BASIC: [
    { name: "user", missing: t`Enter the user that Concord signs in as.` },
    { name: "password", secret: true, missing: t`Enter the user's password.` },
  ],
  HEADER: [
    { name: "headerName", missing: t`Enter the name of the header, for example X-Api-Key.` },
    { name: "authToken", secret: true, missing: t`Paste the key here.` },
  ],
  OAUTH: [
    { name: "tokenEndpoint", missing: t`Enter the address where tokens come from.` },
    { name: "clientId", missing: t`Enter the client ID of the app.` },
    { name: "clientSecret", secret: true, missing: t`Enter the client secret of the app.` },
  ],
};

export function formOf(detail: ConnectorDetail): ConnectorForm {
  const { config } = detail;
  const values = isObject(config["configurationProperties"]) ? config["configurationProperties"] : {};
  return {
    name: text(config["name"]) || detail.summary.name,
    title: text(config["displayName"]) || detail.summary.title,
    enabled: config["enabled"] !== false,
    credentials: secretSet(detail, "accessToken") || text(values["clientId"]) === "" ? "key" : "oauth",
    withSecret: secretSet(detail, "clientSecret") || text(values["clientId"]) === "",
    values,
    secrets: {},
  };
}

/** The names of what differs from the saved connector. */
export function changesOf(base: ConnectorForm, form: ConnectorForm): string[] {
  const names = new Set([...Object.keys(base.values), ...Object.keys(form.values)]);
  return [
    ...(base.name === form.name ? [] : ["name"]),
    ...(base.title === form.title ? [] : ["title"]),
    ...(base.enabled === form.enabled ? [] : ["enabled"]),
    ...(base.credentials === form.credentials ? [] : ["credentials"]),
    ...(base.withSecret === form.withSecret ? [] : ["withSecret"]),
    ...[...names].filter((name) => JSON.stringify(blank(base.values[name])) !== JSON.stringify(blank(form.values[name]))),
    ...Object.keys(form.secrets).filter((name) => form.secrets[name] !== ""),
  ];
}

/** Where a space at the end may be part of what somebody chose; anywhere else one came along with a paste. */
const AS_TYPED = new Set(["password", "httpProxyPassword"]);

function tidy<T>(values: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === "string" && !AS_TYPED.has(name) ? (value.trim() as T) : value]));
}

/** The document to save. The way of signing in that was not chosen leaves nothing behind. */
export function draftOf(detail: ConnectorDetail, form: ConnectorForm, create: boolean): ConnectorDraft {
  const values = Object.fromEntries(Object.entries(tidy(form.values)).filter(([, value]) => blank(value) !== null));
  const secrets = Object.fromEntries(Object.entries(tidy(form.secrets)).filter(([, value]) => value !== ""));
  if (hasChoice(detail)) {
    const dropped = form.credentials === "key" ? ["clientSecret", "refreshToken"] : ["accessToken"];
    for (const name of dropped) {
      delete secrets[name];
      if (secretSet(detail, name)) secrets[name] = "";
    }
    if (form.credentials === "key") delete values["clientId"];
  }
  if (isSalesforce(detail) && !form.withSecret) {
    delete secrets["clientSecret"];
    if (secretSet(detail, "clientSecret")) secrets["clientSecret"] = "";
  }
  return {
    create,
    config: { ...detail.config, name: form.name.trim(), displayName: form.title.trim(), enabled: form.enabled, configurationProperties: values },
    secrets,
  };
}

/** Whether the provider lets people choose between a key and an OAuth app. */
export function hasChoice(detail: ConnectorDetail): boolean {
  const names = new Set(detail.properties.map((property) => property.name));
  return names.has("accessToken") && names.has("clientId");
}

export function isSalesforce(detail: ConnectorDetail): boolean {
  return detail.summary.provider === "salesforce";
}

export function isScim(detail: ConnectorDetail): boolean {
  return detail.summary.provider === "scim";
}

/** How a SCIM server is signed in to. */
export function scimMethod(values: Record<string, unknown>): string {
  const method = values["authenticationMethod"];
  const word = typeof method === "string" ? method.toUpperCase() : "TOKEN";
  return word in SCIM_NEEDS ? word : "TOKEN";
}

/** Whether a person has to agree at the provider before the connector works. */
export function needsConsent(detail: ConnectorDetail, form: ConnectorForm): boolean {
  if (isSalesforce(detail)) return grantOf(form.values) !== CLIENT_CREDENTIALS;
  return hasChoice(detail) && form.credentials === "oauth";
}

/** The settings besides the credentials, which have their own part of the form. */
export function otherProperties(detail: ConnectorDetail, form: ConnectorForm): ConnectorProperty[] {
  const consent = needsConsent(detail, form);
  const own = isSalesforce(detail) ? OF_SALESFORCE : isScim(detail) ? OF_SCIM : hasChoice(detail) ? CREDENTIALS : new Set<string>();
  return detail.properties.filter(({ name }) => !own.has(name) && (own.size === 0 || consent || isScim(detail) || !OF_OAUTH.has(name)));
}

/** The advanced settings by what they are about, whichever the system; what belongs nowhere comes first. */
const GROUPS: { title: string; text?: string; names: RegExp }[] = [
  { title: t`Limits and pages`, text: t`How fast Concord calls and how much it asks for at once. The provider's own limits hold besides.`, names: /^(permitsPerSecond|readRateLimit|writeRateLimit|maximumConnections|pageSize|requestTimeoutSeconds|dailyApiShare|bulk\w+)$/ },
  { title: t`Proxy`, text: t`Left empty, the way to the network in the settings of Concord holds.`, names: /^httpProxy/ },
  { title: t`Certificates`, names: /^(caFile|acceptSelfSignedCertificates|disableHostNameVerifier)$/ },
];

export function advancedGroups(properties: ConnectorProperty[]): { title: string; text?: string; properties: ConnectorProperty[] }[] {
  const advanced = properties.filter(({ advanced: is }) => is);
  const rest = advanced.filter(({ name }) => !GROUPS.some(({ names }) => names.test(name)));
  return [
    { title: t`System`, properties: rest },
    ...GROUPS.map(({ title, text: words, names }) => ({ title, ...(words === undefined ? {} : { text: words }), properties: advanced.filter(({ name }) => names.test(name)) })),
  ].filter(({ properties: members }) => members.length > 0);
}

/** What is missing before it makes sense to save, by the setting at fault. */
export function missing(detail: ConnectorDetail, form: ConnectorForm): Map<string, string> {
  const found = new Map<string, string>();
  if (form.name.trim() === "") found.set("name", t`Give the connector a name; mappings call it by that.`);
  const secrets = tidy(form.secrets);
  const typed = (secret: string) => secretSet(detail, secret) || (secrets[secret] ?? "") !== "";
  if (isSalesforce(detail)) {
    const wrong = wrongLogin(form.values);
    if (wrong) found.set("loginUrl", wrong);
    if (text(form.values["clientId"]).trim() === "") found.set("clientId", t`Enter the consumer key of your External Client App.`);
    if (form.withSecret && !typed("clientSecret") && !typed("refreshToken")) found.set("clientSecret", t`Enter the consumer secret, or choose an app without one.`);
  } else if (isScim(detail)) {
    if (text(form.values["SCIMEndpoint"]).trim() === "") found.set("SCIMEndpoint", t`Enter the address under which the server has /Users.`);
    for (const { name, secret, missing: what } of SCIM_NEEDS[scimMethod(form.values)] ?? []) {
      // A token that was brought along does without the app's secret.
      if (secret ? !typed(name) && !(name === "clientSecret" && typed("refreshToken")) : text(form.values[name]).trim() === "") found.set(name, what);
    }
  } else if (hasChoice(detail)) {
    if (form.credentials === "key") {
      if (!typed("accessToken")) found.set("accessToken", t`Paste the service key here.`);
    } else {
      if (text(form.values["clientId"]).trim() === "") found.set("clientId", t`Enter the client ID of your app.`);
      if (!typed("clientSecret")) found.set("clientSecret", t`Enter the client secret of your app.`);
    }
  }
  return found;
}

/** The setting that a refused save is about, where its error tells. */
export function settingAtFault(error: ApiError | null): string | null {
  if (!error) return null;
  return error.field?.split(".").at(-1) ?? /configurationProperties\.(\w+)/.exec(error.message)?.[1] ?? null;
}

export function secretSet(detail: ConnectorDetail, property: string): boolean {
  return detail.secrets.some((secret) => secret.property === property && secret.set);
}

function blank(value: unknown): unknown {
  return value === undefined || value === "" ? null : value;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
