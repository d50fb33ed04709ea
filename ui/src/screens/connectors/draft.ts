import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import type { ConnectorDraft } from "../../backend/bindings/ConnectorDraft";
import type { ConnectorProperty } from "../../backend/bindings/ConnectorProperty";

export type Credentials = "key" | "oauth";

/** What the form holds: texts and switches as typed, secrets only where a new one was entered. */
export interface ConnectorForm {
  name: string;
  title: string;
  enabled: boolean;
  credentials: Credentials;
  values: Record<string, unknown>;
  secrets: Record<string, string>;
}

const CREDENTIALS = new Set(["accessToken", "clientId", "clientSecret"]);
/** Settings that only an OAuth app has a use for. */
const OF_OAUTH = new Set(["refreshToken", "redirectUri", "scopes", "authorizeUrl"]);

export function formOf(detail: ConnectorDetail): ConnectorForm {
  const { config } = detail;
  const values = isObject(config["configurationProperties"]) ? config["configurationProperties"] : {};
  return {
    name: text(config["name"]) || detail.summary.name,
    title: text(config["displayName"]) || detail.summary.title,
    enabled: config["enabled"] !== false,
    credentials: secretSet(detail, "accessToken") || text(values["clientId"]) === "" ? "key" : "oauth",
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
    ...[...names].filter((name) => JSON.stringify(blank(base.values[name])) !== JSON.stringify(blank(form.values[name]))),
    ...Object.keys(form.secrets).filter((name) => form.secrets[name] !== ""),
  ];
}

/** The document to save. The way of signing in that was not chosen leaves nothing behind. */
export function draftOf(detail: ConnectorDetail, form: ConnectorForm, create: boolean): ConnectorDraft {
  const values = Object.fromEntries(Object.entries(form.values).filter(([, value]) => blank(value) !== null));
  const secrets = Object.fromEntries(Object.entries(form.secrets).filter(([, value]) => value !== ""));
  if (hasChoice(detail)) {
    const dropped = form.credentials === "key" ? ["clientSecret", "refreshToken"] : ["accessToken"];
    for (const name of dropped) {
      delete secrets[name];
      if (secretSet(detail, name)) secrets[name] = "";
    }
    if (form.credentials === "key") delete values["clientId"];
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

/** The settings besides the credentials, which have their own part of the form. */
export function otherProperties(detail: ConnectorDetail, credentials: Credentials): ConnectorProperty[] {
  if (!hasChoice(detail)) return detail.properties;
  return detail.properties.filter(({ name }) => !CREDENTIALS.has(name) && (credentials === "oauth" || !OF_OAUTH.has(name)));
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
