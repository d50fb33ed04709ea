/**
 * A made-up backend in memory, for looking at screens (`npm run fixture`) and for component tests. It is never part of
 * the program. `?scenario=empty` starts without any configuration, `?scenario=locked` with a closed vault.
 */
import type { ApiError } from "./bindings/ApiError";
import type { AuditEntry } from "./bindings/AuditEntry";
import type { Commands } from "./bindings/commands";
import type { ConnectorDetail } from "./bindings/ConnectorDetail";
import type { ConnectorSummary } from "./bindings/ConnectorSummary";
import type { Count } from "./bindings/Count";
import type { EntryRow } from "./bindings/EntryRow";
import type { EntryStatus } from "./bindings/EntryStatus";
import type { FailureCause } from "./bindings/FailureCause";
import type { InboxQuestion } from "./bindings/InboxQuestion";
import type { ManagedTypeDetail } from "./bindings/ManagedTypeDetail";
import type { MappingDetail } from "./bindings/MappingDetail";
import type { NetworkSettings } from "./bindings/NetworkSettings";
import type { QueueRow } from "./bindings/QueueRow";
import type { RunDetail } from "./bindings/RunDetail";
import type { RunMode } from "./bindings/RunMode";
import type { RunSummary } from "./bindings/RunSummary";
import type { SampleRecord } from "./bindings/SampleRecord";
import type { SandboxState } from "./bindings/SandboxState";
import type { ScheduleInfo } from "./bindings/ScheduleInfo";
import type { SchemaDrift } from "./bindings/SchemaDrift";
import type { ScimTokenInfo } from "./bindings/ScimTokenInfo";
import type { Serving } from "./bindings/Serving";
import type { SyncResult } from "./bindings/SyncResult";
import type { UserAttribute } from "./bindings/UserAttribute";
import type { UserRow } from "./bindings/UserRow";

/** The type of the users, as its editor gets it. */
function userType(objects: number): ManagedTypeDetail {
  const properties = ATTRIBUTES.map(({ name, title, kind, required, searchable, policies }) => ({
    name, title, types: [kind], required, searchable, unique: policies.includes("unique"), viewable: true, computed: false, private: false, protection: null, default: null,
    policies: policies.map((words) => ({ id: words.replaceAll(" ", "-"), params: {}, words, checked: true })),
  }));
  const password = { ...properties[0], name: "password", title: "Password", types: ["string"], required: false, searchable: false, unique: false, viewable: false, computed: false, private: true, protection: "hash", default: null, policies: [{ id: "at-least-X-numbers", params: { numNums: 1 }, words: "digits: at least 1", checked: true }] };
  const schema = { order: properties.map(({ name }) => name), required: properties.filter(({ required }) => required).map(({ name }) => name), properties: Object.fromEntries(properties.map(({ name, title, types, searchable }) => [name, { title, type: types[0], searchable }])) };
  return {
    summary: { name: "user", title: "User", objects, properties: properties.length, indexing: [], mappings: ["systemHubspotContact_managedUser", "managedUser_systemHubspotContact"] },
    rev: "1", config: { name: "user", schema }, properties: [...properties, password], problems: [], knownPolicies: ["required", "unique", "valid-email-address-format", "minimum-length"],
  };
}

type Handlers = { [K in keyof Commands]: (request: Commands[K]["request"]) => Commands[K]["answer"] | Promise<Commands[K]["answer"]> };

const GIVEN = ["Ann", "Bo", "Chiara", "Dmitri", "Elif", "Farah", "Gustav", "Hana", "Ines", "José", "Kwame", "Léa", "Mehmet", "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Uma", "Vera", "Wei", "Ximena", "Yusuf", "Zoë", "שרה", "أحمد"];
const FAMILY = ["Lee", "Ek", "Rossi", "Ivanov", "Yılmaz", "Haddad", "Lindqvist", "Suzuki", "Oliveira", "García Márquez", "Mensah", "Dubois", "Kaya", "van den Berg", "Nilsson", "Raman", "Moreau", "Santos", "Kjær", "Novák", "Patel", "Wolfeschlegelsteinhausenbergerdorff", "Zhang", "כהן", "الخطيب"];
const CITIES = ["Oslo", "Lisbon", "Graz", "Turin", "Izmir", "Accra", "Osaka", "Porto"];

const SITUATIONS: [string, string, string][] = [
  ["CONFIRMED", "linked, and both records are there", "UPDATE"],
  ["FOUND", "not linked yet; exactly one matching record was found", "UPDATE"],
  ["ABSENT", "no matching record yet", "CREATE"],
  ["AMBIGUOUS", "several records match; a person has to choose", "EXCEPTION"],
  ["MISSING", "linked, but the target record is gone", "EXCEPTION"],
  ["FOUND_ALREADY_LINKED", "the matching record belongs to another source record", "EXCEPTION"],
  ["UNQUALIFIED", "the source record does not qualify for this mapping, but has a target record", "DELETE"],
  ["UNASSIGNED", "a target record that no source record accounts for", "EXCEPTION"],
  ["SOURCE_MISSING", "the source record of this target record is gone", "EXCEPTION"],
  ["SOURCE_IGNORED", "the source record does not qualify for this mapping", "IGNORE"],
  ["TARGET_IGNORED", "the target record does not qualify for this mapping", "IGNORE"],
  ["LINK_ONLY", "only the link is left; both records are gone", "EXCEPTION"],
  ["ALL_GONE", "nothing is left of this record", "IGNORE"],
];

const ACTION_MEANING: Record<string, string> = {
  CREATE: "make the target record and link it",
  UPDATE: "bring the target record in line",
  DELETE: "delete the target record and its link",
  EXCEPTION: "a person has to decide",
  IGNORE: "left alone",
};

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const pick = <T>(list: T[], index: number): T => list[index % list.length] as T;
const hex = (seed: number) => (Math.imul(seed + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, "0");
const uuid = (seed: number) => `019a${hex(seed).slice(0, 4)}-${hex(seed * 7).slice(0, 4)}-7${hex(seed * 3).slice(0, 3)}-a${hex(seed * 5).slice(0, 3)}-${hex(seed * 11)}${hex(seed).slice(0, 4)}`;

function fail(error: ApiError): never {
  throw error;
}

const ATTRIBUTES: UserAttribute[] = [
  { name: "userName", title: "Username", kind: "string", required: true, searchable: true, editable: true, policies: ["required", "unique"] },
  { name: "givenName", title: "First Name", kind: "string", required: true, searchable: true, editable: true, policies: [] },
  { name: "sn", title: "Last Name", kind: "string", required: true, searchable: true, editable: true, policies: [] },
  { name: "mail", title: "Email Address", kind: "string", required: true, searchable: true, editable: true, policies: ["a valid e-mail address"] },
  { name: "accountStatus", title: "Status", kind: "string", required: false, searchable: true, editable: true, policies: [] },
  { name: "telephoneNumber", title: "Telephone Number", kind: "string", required: false, searchable: false, editable: true, policies: [] },
  { name: "city", title: "City", kind: "string", required: false, searchable: false, editable: true, policies: [] },
  { name: "description", title: "Description", kind: "string", required: false, searchable: false, editable: true, policies: [] },
  { name: "marketingConsent", title: "Marketing consent", kind: "boolean", required: false, searchable: false, editable: true, policies: [] },
];

function makeUsers(): UserRow[] {
  return Array.from({ length: 1243 }, (_, i) => {
    const [givenName, sn] = [pick(GIVEN, i * 5 + (i >> 3)), pick(FAMILY, i * 3 + (i >> 4))];
    const userName = `user${String(i + 1).padStart(4, "0")}`;
    return {
      id: uuid(i),
      rev: "1",
      attributes: { userName, givenName, sn, mail: `${userName}@example.org`, accountStatus: i % 17 === 0 ? "inactive" : "active", city: pick(CITIES, i), ...(i % 9 === 0 ? {} : { telephoneNumber: `+47 22 00 ${String(i).padStart(4, "0")}` }) },
    };
  });
}

function makeInbox(): InboxQuestion[] {
  const common = { linkQualifier: "default", created: ago(180), updated: ago(90), mapping: "systemHubspotContact_managedUser" };
  return [
    { ...common, id: "q-1", kind: "ambiguous", title: "Bo Ek", source: "30104822", target: null, targets: [uuid(1), uuid(2)], detail: {}, reason: "2 users have bo@ex.org" },
    { ...common, id: "q-2", kind: "conflict", title: "Ann Lee", source: "30104821", target: uuid(0), targets: [], detail: { conflicts: [{ attribute: "sn", source: "Lee", target: "Lie", base: "Li" }, { attribute: "city", source: "Oslo", target: "Bergen", base: null }] }, reason: "both sides changed sn, city" },
    { ...common, id: "q-3", kind: "alreadyLinked", title: "Elif Kaya", source: "30104830", target: uuid(4), targets: [uuid(4)], detail: { targets: [uuid(4)], owner: "30104829", ownerGone: false }, reason: "the matching user belongs to another contact" },
  ];
}

const AUDIT: AuditEntry[] = [
  { id: "a-3", at: ago(12), who: "you", topic: "connector", object: "hubspot", detail: "authorized" },
  { id: "a-2", at: ago(60 * 3), who: "you", topic: "mapping", object: "systemHubspotContact_managedUser", detail: "changed" },
  { id: "a-1", at: ago(60 * 24), who: "you", topic: "managed", object: "user", detail: "changed" },
];

const connector = (name: string, rest: Partial<ConnectorSummary>): ConnectorSummary => ({
  name,
  title: name,
  provider: "hubspot",
  enabled: true,
  state: "untested",
  message: null,
  trouble: null,
  refusedAt: null,
  testedAt: null,
  objectTypes: ["contact", "company"],
  mappings: [],
  host: "api.hubapi.com",
  usage: null,
  drift: 0,
  ...rest,
});

/** A Salesforce connector as it is before anybody typed anything. */
function salesforceDetail(summary: ConnectorSummary): ConnectorDetail {
  return {
    summary,
    rev: "1",
    config: {
      name: summary.name,
      displayName: summary.title,
      enabled: summary.enabled,
      connectorRef: { connectorName: "org.forgerock.openicf.connectors.salesforce.SalesforceConnector" },
      configurationProperties: { clientId: "", grantType: "refresh_token", loginUrl: "https://login.salesforce.com/services/oauth2/token", version: 66 },
    },
    secrets: ["clientSecret", "refreshToken"].map((property) => ({ property, set: false, updatedAt: null })),
    properties: [
      { name: "loginUrl", label: "Login URL", kind: "text", choices: [], help: "", advanced: false, default: "https://login.salesforce.com/services/oauth2/token" },
      { name: "grantType", label: "Grant", kind: "text", choices: [], help: "", advanced: false, default: "refresh_token" },
      { name: "clientId", label: "Consumer key", kind: "text", choices: [], help: "", advanced: false, default: null },
      { name: "clientSecret", label: "Consumer secret", kind: "secret", choices: [], help: "", advanced: false, default: null },
      { name: "scopes", label: "Scopes", kind: "text", choices: [], help: "", advanced: true, default: "id api refresh_token" },
      { name: "version", label: "API version", kind: "number", choices: [], help: "47 or newer.", advanced: true, default: 66 },
    ],
    canAuthorize: summary.name !== "",
    authorized: false,
    redirectUri: "http://localhost:47812/oauth/callback",
  };
}

function detailOf(summary: ConnectorSummary): ConnectorDetail {
  const oauth = summary.name === "hubspotEu";
  if (summary.provider === "salesforce") return salesforceDetail(summary);
  return {
    summary,
    rev: "1",
    config: {
      ...(summary.name ? { name: summary.name, displayName: summary.title, enabled: summary.enabled } : {}),
      connectorRef: { connectorName: "org.forgerock.openicf.connectors.hubspot.HubspotConnector" },
      configurationProperties: oauth ? { clientId: "client-1", permitsPerSecond: 8 } : {},
    },
    secrets: [
      { property: "accessToken", set: summary.name !== "" && !oauth, updatedAt: summary.name !== "" && !oauth ? ago(60 * 24 * 12) : null },
      { property: "clientSecret", set: oauth, updatedAt: oauth ? ago(60 * 24 * 40) : null },
    ],
    properties: [
      { name: "accessToken", label: "Access token", kind: "secret", choices: [], help: "", advanced: false, default: null },
      { name: "clientId", label: "Client ID", kind: "text", choices: [], help: "", advanced: false, default: null },
      { name: "clientSecret", label: "Client secret", kind: "secret", choices: [], help: "", advanced: false, default: null },
      { name: "scopes", label: "Scopes", kind: "text", choices: [], help: "What the OAuth app asks for, separated by blanks.", advanced: true, default: null },
      { name: "apiBaseUrl", label: "API address", kind: "text", choices: [], help: "Where the API is. Change it only for a proxy or a test system.", advanced: false, default: "https://api.hubapi.com" },
      { name: "apiVersion", label: "API version", kind: "choice", choices: ["2026-03", "2026-09", "v3"].map((value) => ({ value, label: value })), help: "", advanced: true, default: "2026-03" },
      { name: "permitsPerSecond", label: "Calls per second", kind: "number", choices: [], help: "HubSpot allows 10 for a free account.", advanced: true, default: 10 },
      { name: "acceptSelfSignedCertificates", label: "Accept self-signed certificates", kind: "switch", choices: [], help: "Only for a test system of your own.", advanced: true, default: false },
    ],
    canAuthorize: oauth,
    authorized: false,
    redirectUri: "http://localhost:53682/callback",
  };
}

function mapping(name: string, source: string, target: string, sourceTitle: string, targetTitle: string, rest: Partial<MappingDetail["summary"]> = {}): MappingDetail {
  return {
    summary: { name, title: name, source, target, sourceTitle, targetTitle, links: null, enableSync: true, properties: 6, lastRun: null, problem: null, ...rest },
    rev: "1",
    config: { name, source, target, properties: [{ source: "firstname", target: "givenName" }, { source: "lastname", target: "sn", default: "-" }], policies: [{ situation: "ABSENT", action: "CREATE" }] },
    properties: [
      { source: "firstname", target: "givenName", transform: null, condition: null, default: null, whenEmpty: "leave", setOn: "always" },
      { source: "lastname", target: "sn", transform: null, condition: null, default: "-", whenEmpty: "default", setOn: "always" },
      { source: "email", target: "mail", transform: "lower", condition: null, default: null, whenEmpty: "leave", setOn: "always" },
      { source: "email", target: "userName", transform: "lower", condition: null, default: null, whenEmpty: "leave", setOn: "create" },
      { source: "phone", target: "telephoneNumber", transform: null, condition: "object.phone !== null && object.phone.length > 4 && object.country !== 'unknown'", default: null, whenEmpty: "clear", setOn: "always" },
      { source: "", target: "accountStatus", transform: null, condition: null, default: "active", whenEmpty: "default", setOn: "create" },
    ],
    policies: SITUATIONS.map(([situation, meaning, action]) => (situation === "SOURCE_MISSING" ? { situation, meaning, action: "DELETE", isDefault: false } : { situation, meaning, action, isDefault: true })),
    correlation: "mail equals the source's email",
    sourceCondition: "email is present",
  };
}

function entry(index: number, situation: string, action: string, rest: Partial<EntryRow>): EntryRow {
  const meaning = SITUATIONS.find(([name]) => name === situation)?.[1] ?? "";
  return {
    id: `e${index}`,
    title: `${pick(GIVEN, index * 3)} ${pick(FAMILY, index * 7)}`,
    situation,
    meaning,
    action,
    status: "planned",
    reason: "",
    remedy: null,
    fix: null,
    linkQualifier: "default",
    sourceId: String(30_100_000 + index * 37),
    targetId: uuid(index),
    ambiguousTargetIds: [],
    changes: [],
    ...rest,
  };
}

/** What takes a done entry back. */
function takenBack(done: EntryRow, status: EntryStatus): EntryRow {
  const opposite: Record<string, string> = { CREATE: "DELETE", DELETE: "CREATE", LINK: "UNLINK", UNLINK: "LINK" };
  return { ...done, status, action: opposite[done.action] ?? done.action, reason: "takes back what the run did", changes: done.changes.map(({ attribute, before, after }) => ({ attribute, before: after, after: before })) };
}

function makeEntries(): EntryRow[] {
  const entries: EntryRow[] = [];
  const next = () => entries.length;
  for (let i = 0; i < 7; i++) {
    entries.push(entry(next(), "AMBIGUOUS", "EXCEPTION", { status: "needsYou", targetId: null, reason: `2 users have user${i}@example.org`, remedy: "Correct the e-mail of one of the two users, or narrow the correlation of the mapping, then run again.", ambiguousTargetIds: [uuid(900 + i), uuid(950 + i)] }));
  }
  for (let i = 0; i < 12; i++) {
    entries.push(entry(next(), "ABSENT", "CREATE", { targetId: null, reason: "no user has this e-mail", changes: [{ attribute: "givenName", before: null, after: pick(GIVEN, i) }, { attribute: "sn", before: null, after: pick(FAMILY, i) }, { attribute: "mail", before: null, after: `new${i}@example.org` }] }));
  }
  for (let i = 0; i < 96; i++) {
    entries.push(
      entry(next(), i % 8 === 0 ? "FOUND" : "CONFIRMED", "UPDATE", {
        reason: "attributes differ",
        changes: i % 3 === 0 ? [{ attribute: "sn", before: "Li", after: "Lee" }] : i % 3 === 1 ? [{ attribute: "telephoneNumber", before: `+47 22 00 ${i}`, after: null }] : [{ attribute: "mail", before: `old.address.of.person.${i}@example.com`, after: `person.${i}@example.org` }, { attribute: "city", before: null, after: pick(CITIES, i) }],
      }),
    );
  }
  for (let i = 0; i < 4; i++) entries.push(entry(next(), "SOURCE_MISSING", "DELETE", { sourceId: null, reason: "the contact was deleted in HubSpot", changes: [] }));
  for (let i = 0; i < 31; i++) entries.push(entry(next(), "SOURCE_IGNORED", "IGNORE", { title: i % 2 ? "" : "(no e-mail)", status: "skipped", targetId: null, reason: "no e-mail, and the mapping asks for one" }));
  return entries;
}

/** The users as contacts, for the mapping editor's samples. */
function contactSamples(users: UserRow[]): SampleRecord[] {
  return users.slice(0, 40).map(({ attributes }, i) => ({ id: String(30_100_000 + i), title: `${attributes["givenName"]} ${attributes["sn"]}`, attributes: { firstname: attributes["givenName"], lastname: attributes["sn"], email: attributes["mail"], phone: attributes["telephoneNumber"] ?? null, city: attributes["city"] } }));
}

function countBy(entries: EntryRow[], key: "situation" | "action", meaning: (name: string) => string): Count[] {
  const counts = new Map<string, number>();
  for (const item of entries) counts.set(item[key], (counts.get(item[key]) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, meaning: meaning(name), count }));
}

function page<T>(list: T[], after: string | null, limit: number | null): { items: T[]; next: string | null } {
  const from = Number(after ?? 0);
  const to = from + (limit ?? 100);
  return { items: list.slice(from, to), next: to < list.length ? String(to) : null };
}

interface FixtureRun {
  summary: RunSummary;
  entries: EntryRow[];
  guards: RunDetail["guards"];
  causes: FailureCause[];
  polls: number;
  after?: Partial<RunSummary>;
}

/** Makes a backend of its own, so that tests do not see each other's changes. */
/** A schedule as the engine would tell of it, in broad strokes. */
function scheduleInfo(name: string, config: Record<string, unknown>): ScheduleInfo {
  const context = (config["invokeContext"] ?? {}) as Record<string, unknown>;
  const source = typeof context["source"] === "string" ? context["source"] : null;
  const mapping = typeof context["mapping"] === "string" ? context["mapping"] : "systemHubspotContact_managedUser";
  const enabled = config["enabled"] !== false;
  const simple = config["type"] === "simple";
  const cron = typeof config["schedule"] === "string" ? config["schedule"] : "";
  const problem = simple || cron.split(/\s+/).length >= 6 ? null : `schedule: \`${cron}\` is not a cron expression; write seconds, minutes, hours, day of month, month, day of week and maybe a year, such as \`0 0 2 * * ?\``;
  const every = simple ? Number(config["repeatInterval"]) : 24 * 3_600_000;
  const next = enabled && !problem ? [1, 2, 3, 4, 5].map((n) => new Date(Math.ceil(Date.now() / every) * every + n * every).toISOString()) : [];
  const incremental = context["incremental"] === true || source !== null;
  const words = problem ? "" : simple ? `Every ${every / 60_000} minutes` : `At 02:00 (${typeof config["timeZone"] === "string" ? config["timeZone"] : "UTC"})`;
  return { name, config, enabled, task: source ? "liveSync" : "reconcile", title: source ? `liveSync of ${source}` : `${incremental ? "incremental run" : "reconciliation"} of ${mapping}`, mappings: [mapping], source, incremental, words, next, problem, lastFired: null, lastOutcome: null, lastRun: null };
}

const linkedOf = ({ attributes }: UserRow) => [
  { mapping: "systemHubspotContact_managedUser", connector: "hubspot", connectorTitle: "HubSpot", objectType: "contact", uid: "30104821", linkQualifier: "default", attributes: { firstname: attributes["givenName"], lastname: attributes["sn"], email: attributes["mail"], phone: attributes["telephoneNumber"] ?? null, hs_lead_status: "OPEN" }, seenAt: ago(120) },
];
const syncOf = ({ rev }: UserRow): SyncResult[] =>
  rev === "1"
    ? []
    : [
        { mapping: "managedUser_systemHubspotContact", target: "HubSpot contact", state: "synced", message: "", reason: "", fix: null, trouble: null },
        { mapping: "managedUser_systemHubspotEuContact", target: "HubSpot Europe contact", state: "failed", message: "HubSpot refused the refresh token; authorize again, then run it again", reason: "HubSpot refused the refresh token", fix: { kind: "authorize" }, trouble: null },
      ];

export function fixture(scenario = new URLSearchParams(location.search).get("scenario")): (name: string, request: unknown) => Promise<unknown> {
  let vault: Commands["vault_unlock"]["answer"] = scenario === "locked" ? { state: "locked", source: "passphrase", message: "The vault of this computer is protected by a passphrase. Enter it to read the stored keys.", recovered: false } : { state: "unlocked", source: "keyring", message: null, recovered: false };
  let connectors: ConnectorSummary[] = [];
  let mappings: MappingDetail[] = [];
  let users: UserRow[] = [];
  let inbox = makeInbox();
  let queue: QueueRow[] = [];
  const runs: FixtureRun[] = [];
  const details = new Map<string, ConnectorDetail>();
  let tokens: ScimTokenInfo[] = [];
  let passwords = 0;
  let serving: Serving = { addresses: null, port: 8080, selfService: false, administrator: "openidm-admin", password: null, problem: null };
  let network: NetworkSettings = { proxyHost: null, proxyPort: null, proxyUser: null, caFile: null, proxyPasswordSet: false };
  let sandboxes: SandboxState[] = [
    { provider: "hubspot", title: "HubSpot", url: scenario === "empty" ? null : "http://127.0.0.1:43117", records: scenario === "empty" ? 0 : 290, kept: true },
    { provider: "salesforce", title: "Salesforce", url: null, records: 0, kept: false },
  ];
  const drift = new Map<string, SchemaDrift[]>();
  let preferences = { notifications: true };
  let schedules: ScheduleInfo[] = mappings.length === 0 ? [] : [scheduleInfo("nightly", { enabled: true, type: "cron", schedule: "0 0 2 * * ?", timeZone: "Europe/Berlin", persisted: true, invokeService: "sync", invokeContext: { action: "reconcile", mapping: "systemHubspotContact_managedUser" } })];
  let releaseAuthorize: ((ok: boolean) => void) | undefined;

  function fill() {
    connectors = [
      connector("hubspot", { title: "HubSpot", state: "active", testedAt: ago(14), mappings: ["systemHubspotContact_managedUser", "managedUser_systemHubspotContact"], drift: 3, usage: { calls: 412, dailyUsed: 201_203, dailyLimit: 250_000, intervalUsed: 12, intervalLimit: 190, intervalSeconds: 10, restsUntil: ago(-4) } }),
      connector("hubspotEu", { title: "HubSpot Europe", state: "error", message: "HubSpot refused the refresh token (invalid_grant). Authorize the connector again.", trouble: "authorize", testedAt: ago(60 * 26), host: "api-eu1.hubapi.com", mappings: ["systemHubspotEuContact_managedUser"] }),
      connector("sandbox", { title: "Sample HubSpot", state: "untested", host: "127.0.0.1:43117", usage: { calls: 42, dailyUsed: null, dailyLimit: null, intervalUsed: null, intervalLimit: null, intervalSeconds: null, restsUntil: null } }),
      connector("archive", { title: "Old portal (archive)", state: "disabled", enabled: false, testedAt: ago(60 * 24 * 90) }),
    ];
    mappings = [
      mapping("systemHubspotContact_managedUser", "system/hubspot/contact", "managed/user", "HubSpot contact", "User"),
      mapping("managedUser_systemHubspotContact", "managed/user", "system/hubspot/contact", "User", "HubSpot contact", { links: "systemHubspotContact_managedUser" }),
      mapping("systemHubspotEuContact_managedUser", "system/hubspotEu/contact", "managed/user", "HubSpot Europe contact", "User", { problem: "connector `hubspotEu` does not work: HubSpot refused the refresh token. Authorize it again." }),
    ];
    drift.set("hubspot", [
      {
        objectType: "contact", readAt: ago(14), changedAt: ago(60 * 5),
        changes: [
          { attribute: "phone", label: "Phone Number", kind: "readOnly", words: "became read-only", mappings: [{ mapping: "managedUser_systemHubspotContact", effect: "writes it: the value will no longer be written; take the property out", breaks: true }] },
          { attribute: "lifecyclestage", label: "Lifecycle stage", kind: "options", words: "takes no longer `evangelist`; takes also `partner`", mappings: [{ mapping: "systemHubspotContact_managedUser", effect: "reads it: values may arrive that it does not know", breaks: false }] },
          { attribute: "favourite_colour", label: "Favourite colour", kind: "added", words: "is new (enumeration)", mappings: [] },
        ],
      },
      { objectType: "company", readAt: ago(14), changedAt: null, changes: [] },
    ]);
    users = makeUsers();
    queue = [
      { id: "q1", mapping: "managedUser_systemHubspotContact", kind: "user", objectId: uuid(3), title: "Dmitri Ivanov", change: "update", state: "waiting", attempts: 2, nextAttemptAt: ago(-3), message: "HubSpot answered 503", reason: "HubSpot answered 503", fix: null, trouble: null, created: ago(12) },
      { id: "q2", mapping: "managedUser_systemHubspotContact", kind: "user", objectId: uuid(8), title: "Ines Oliveira", change: "create", state: "failed", attempts: 6, nextAttemptAt: null, message: "Property \"country\" has no option \"Norge\". Add the option in HubSpot or map the value.; correct `country` in the source record or in the mapping", reason: "Property \"country\" has no option \"Norge\".", fix: { kind: "correctAttribute", attribute: "country" }, trouble: null, created: ago(140) },
      { id: "q3", mapping: "managedUser_systemHubspotContact", kind: "user", objectId: uuid(11), title: "Léa Dubois", change: "delete", state: "waiting", attempts: 0, nextAttemptAt: null, message: null, reason: null, fix: null, trouble: null, created: ago(1) },
    ];
    addRun("managedUser_systemHubspotContact", "reconcile", { state: "success", started: ago(60 * 24 * 3), ended: ago(60 * 24 * 3 - 1), durationMs: 41_000, changes: 0, calls: 52 }, []);
    addRun("systemHubspotContact_managedUser", "preview", { state: "held", started: ago(200), ended: ago(199), durationMs: 6400, changes: 41, calls: 49, message: "held: 41 deletes are planned, 5 are allowed. Look at them; if they are right, allow 41 for this run" }, Array.from({ length: 41 }, (_, i) => entry(i, "SOURCE_MISSING", "DELETE", { reason: "the contact is no longer there" })), [{ name: "maxDeletes", limit: "5", planned: "41", holds: true, releasable: true, message: "41 deletes are planned, 5 are allowed. Look at them; if they are right, allow 41 for this run" }]);
    const failed = makeEntries().map((item, i): EntryRow => (item.action === "UPDATE" && i % 9 === 0 ? { ...item, status: "failed", reason: "mail: another user has this e-mail already", remedy: "Correct the e-mail of one of the two, then reconcile again." } : item.status === "planned" ? { ...item, status: "done" } : item));
    const bad = failed.filter((item) => item.status === "failed").length;
    addRun("systemHubspotContact_managedUser", "reconcile", { state: "success", started: ago(120), ended: ago(119), durationMs: 7100, changes: 112 - bad, done: 112 - bad, failed: bad, needsYou: 7, calls: 51 }, failed, undefined, [
      { reason: "mail: another user has this e-mail already", remedy: null, fix: { kind: "correctAttribute", attribute: "mail" }, count: bad - 2 },
      { reason: "sn: a value is required, and HubSpot's lastname is empty", remedy: null, fix: { kind: "meetPolicy", attribute: "sn" }, count: 2 },
    ]);
    addRun("managedUser_systemHubspotContact", "reconcile", { state: "canceled", started: ago(60 * 5), ended: ago(60 * 5 - 1), durationMs: 2100, changes: 30, done: 12, calls: 9, message: "Canceled after 12 of 30 changes; what was done stays." }, Array.from({ length: 30 }, (_, i) => entry(i, "CONFIRMED", "UPDATE", { status: i < 12 ? "done" : "planned", reason: "attributes differ", changes: [{ attribute: "lastname", before: "Li", after: "Lee" }] })));
  }

  function addRun(name: string, mode: RunMode, summary: Partial<RunSummary>, entries: EntryRow[], guards: RunDetail["guards"] = [{ name: "maxDeletes", limit: "5", planned: "4", holds: false, releasable: true, message: "deletes 4 of 5 allowed" }], causes: Pick<FailureCause, "reason" | "remedy" | "fix" | "count">[] = [], after?: Partial<RunSummary>): FixtureRun {
    const run: FixtureRun = {
      summary: { id: `run-${runs.length + 1}`, mapping: name, mode, state: "active", stage: "ACTIVE_RECONCILING_SOURCE", stageDescription: "Reading HubSpot contact", started: new Date().toISOString(), ended: null, durationMs: 0, processed: 0, total: 1240, changes: 0, done: 0, failed: 0, stale: 0, needsYou: 0, calls: 0, undoes: null, message: null, ...summary },
      entries,
      guards,
      causes: causes.map((cause) => ({ ...cause, mapping: name, run: `run-${runs.length + 1}` })),
      polls: 0,
      after,
    };
    runs.unshift(run);
    const detail = mappings.find((item) => item.summary.name === name);
    if (detail) detail.summary.lastRun = run.summary;
    return run;
  }

  /** Each look at a running run moves it on, so its pace does not hang on the clock. */
  function step(run: FixtureRun) {
    if (run.summary.state !== "active") return;
    run.polls += 1;
    const processed = Math.min(1240, run.polls * 110);
    const next: RunSummary = processed >= 1240 ? { ...run.summary, processed: 1240, ended: new Date().toISOString(), ...run.after } : { ...run.summary, processed, calls: run.polls * 3, durationMs: run.polls * 300 };
    settle(run, next);
  }

  function settle(run: FixtureRun, summary: RunSummary) {
    const detail = mappings.find((item) => item.summary.lastRun?.id === run.summary.id);
    run.summary = summary;
    if (detail) detail.summary = { ...detail.summary, lastRun: summary };
  }

  const findRun = (id: string) => runs.find((run) => run.summary.id === id) ?? fail({ code: "notFound", message: `There is no run ${id}.` });
  const findMapping = (name: string) => mappings.find((item) => item.summary.name === name) ?? fail({ code: "notFound", message: `There is no mapping ${name}.` });
  const findConnector = (name: string) => connectors.find((item) => item.name === name) ?? fail({ code: "notFound", message: `There is no connector ${name}.` });
  const connectorDetail = (name: string) => {
    const summary = findConnector(name);
    const stored = details.get(name) ?? detailOf(summary);
    details.set(name, stored);
    return { ...stored, summary };
  };
  const replaceConnector = (summary: ConnectorSummary) => {
    connectors = connectors.map((item) => (item.name === summary.name ? summary : item));
  };
  if (scenario !== "empty") fill();

  function saveUser(id: string | null, rev: string | null, attributes: Record<string, unknown>): { user: UserRow; sync: SyncResult[] } {
    const before = id === null ? null : (users.find((item) => item.id === id) ?? fail({ code: "notFound", message: "The user was deleted meanwhile." }));
    if (before && rev !== null && rev !== before.rev) fail({ code: "stale", message: "The user was changed meanwhile. Reload to see what it is now; what you typed stays." });
    const merged = Object.fromEntries(Object.entries({ ...before?.attributes, ...attributes }).filter(([, value]) => value !== null));
    const policies = [
      ...ATTRIBUTES.filter(({ required, name }) => required && !merged[name]).map(({ name, title }) => ({ property: name, policy: "required", message: `${title} is required.` })),
      ...(typeof merged["mail"] === "string" && !merged["mail"].includes("@") ? [{ property: "mail", policy: "valid-email-address-format", message: "This is not an e-mail address; it needs an @." }] : []),
    ];
    if (policies.length > 0) fail({ code: "policy", message: `${policies.length} policies are not met.`, policies });
    const user: UserRow = { id: before?.id ?? uuid(5000 + users.length), rev: String(Number(before?.rev ?? 1) + 1), attributes: merged };
    users = before ? users.map((item) => (item.id === id ? user : item)) : [user, ...users];
    return { user, sync: [{ mapping: "managedUser_systemHubspotContact", target: "HubSpot contact", state: "waiting", message: "", reason: "", fix: null, trouble: null }] };
  }

  const findUser = (id: string) => users.find((item) => item.id === id) ?? fail({ code: "notFound", message: `There is no user ${id}. It may have been deleted.` });
  function findUsers({ search, sort, after, limit }: { search?: string | null; sort?: string | null; after?: string | null; limit?: number | null }) {
    const words = (search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const found = users.filter(({ attributes }) => words.every((word) => ATTRIBUTES.some(({ name, searchable }) => searchable && String(attributes[name] ?? "").toLowerCase().startsWith(word))));
    if (sort) {
      const key = sort.replace(/^-/, "");
      found.sort((a, b) => String(a.attributes[key] ?? "").localeCompare(String(b.attributes[key] ?? "")) * (sort.startsWith("-") ? -1 : 1));
    }
    return { ...page(found, after ?? null, limit ?? null), total: found.length };
  }

  function listUsers(request: Commands["objects_list"]["request"]) {
    const { items, next, total } = findUsers(request);
    return { objects: items, next, total, totalIsLeast: false, scanned: false };
  }

  const handlers: Handlers = {
    app_status: () => ({ version: "0.1.0", vault, sandboxUrl: connectors.length > 0 ? "http://127.0.0.1:43117" : null, connectors: connectors.length, mappings: mappings.length, users: users.length, queue: queue.length }),
    vault_unlock: ({ passphrase }) => {
      if (passphrase !== "open") fail({ code: "locked", message: "This passphrase does not open the vault. Check it and try again." });
      vault = { state: "unlocked", source: "passphrase", message: null, recovered: false };
      return vault;
    },
    vault_change_passphrase: () => {
      vault = { ...vault, source: "passphrase", recovered: false };
      return vault;
    },
    vault_use_keyring: () => {
      vault = { ...vault, source: "keyring", recovered: false };
      return vault;
    },
    vault_rotate_keys: () => ({ secrets: 3 }),
    vault_new_recovery_key: () => ({ key: "made-up-recovery-key-for-looking-at-the-screen" }),
    overview: () => ({
      days: Array.from({ length: 28 }, (_, i) => ({ day: new Date(Date.now() - (27 - i) * 86_400_000).toISOString().slice(0, 10), users: i < 6 ? null : 900 + i * 12 + (i % 5) * 9 })),
      causes: runs.flatMap(({ causes }) => causes),
      inbox: inbox.length,
    }),
    network_get: () => network,
    network_save: ({ proxyPassword, ...draft }) => {
      network = { ...draft, proxyPasswordSet: proxyPassword === null ? network.proxyPasswordSet : proxyPassword !== "" };
      return network;
    },
    about: () => ({ version: "0.1.0", dataDir: "/home/ann/.local/share/concord", logsDir: "/home/ann/.local/share/concord/logs", licence: "Apache-2.0", repositorySize: 48_300_000 }),
    connector_kinds: () => [
      { provider: "hubspot", title: "HubSpot", text: "Contacts, companies and their properties, with a service key or an OAuth app of your own." },
      { provider: "salesforce", title: "Salesforce", text: "Users, contacts, leads, accounts and any other object, with an External Client App of your own." },
      { provider: "scim", title: "SCIM 2.0", text: "Users, groups and any other resource type of a server that speaks SCIM 2.0." },
    ],
    connectors_list: () => connectors,
    connector_blank: ({ provider }) => (provider === "salesforce" ? detailOf(connector("salesforce", { title: "Salesforce", provider })) : detailOf(connector("", { title: "" }))),
    connector_get: ({ name }) => connectorDetail(name),
    connector_save: ({ create, rev, config, secrets }) => {
      const name = String(config["name"] ?? "");
      if (!/^[A-Za-z0-9_-]+$/.test(name)) fail({ code: "invalid", field: "name", message: `Connector name \`${name}\` cannot be used; use letters, digits, - and _.` });
      if (create && connectors.some((item) => item.name === name)) fail({ code: "conflict", field: "name", message: `There is a connector ${name} already. Choose another name.` });
      const known = connectors.find((item) => item.name === name) ?? connector(name, JSON.stringify(config["connectorRef"]).toLowerCase().includes("salesforce") ? { provider: "salesforce", objectTypes: ["User"] } : {});
      const enabled = config["enabled"] !== false;
      const summary: ConnectorSummary = { ...known, title: String(config["displayName"] || name), enabled, state: enabled ? "untested" : "disabled", message: null };
      connectors = create ? [...connectors, summary] : connectors.map((item) => (item.name === name ? summary : item));
      const before = details.get(name) ?? detailOf(summary);
      if (rev !== undefined && rev !== before.rev) fail({ code: "stale", message: `connector \`${name}\` has changed meanwhile; load it again and repeat the change` });
      const stored = {
        ...before,
        rev: String(Number(before.rev) + 1),
        config,
        secrets: before.secrets.map((secret) => {
          const value = secrets[secret.property];
          return value === undefined ? secret : { ...secret, set: value !== "", updatedAt: value === "" ? null : new Date().toISOString() };
        }),
      };
      stored.canAuthorize = stored.secrets.some((secret) => secret.property === "clientSecret" && secret.set);
      details.set(name, stored);
      return { ...stored, summary };
    },
    connector_test: ({ name }) => {
      const summary = findConnector(name);
      const ok = summary.state !== "error";
      replaceConnector({ ...summary, state: !summary.enabled ? "disabled" : ok ? "active" : "error", testedAt: new Date().toISOString() });
      return ok
        ? { name, ok, error: null, checked: ["reached api.hubapi.com", "signed in", "read 1 contact", "read the properties of contact (214)"], account: "Example GmbH (account 1234567)", missingScopes: ["crm.schemas.contacts.read"], trouble: null }
        : { name, ok, error: summary.message, checked: ["reached api-eu1.hubapi.com"], account: null, missingScopes: [], trouble: "authorize" };
    },
    connector_enable: ({ name, enabled }) => {
      replaceConnector({ ...findConnector(name), enabled, state: enabled ? "untested" : "disabled" });
      return connectorDetail(name);
    },
    connector_remove: ({ name }) => {
      const needed = mappings.filter(({ summary }) => [summary.source, summary.target].some((path) => path.startsWith(`system/${name}/`)));
      if (needed.length > 0) fail({ code: "conflict", message: `connector \`${name}\` is used by ${needed.map(({ summary }) => summary.name).join(", ")}; remove them first` });
      connectors = connectors.filter((item) => item.name !== name);
      return { grantKept: null };
    },
    connector_schema: ({ objectType }) => ({ objectType, attributes: ["firstname", "lastname", "email", "phone"].map((name) => ({ name, label: name, kind: "string", required: false, writable: true, unique: name === "email", options: [] })) }),
    connector_records: ({ objectType, search, attributes, after }) => {
      const from = Number(after ?? 0);
      const found = users.filter(({ attributes: values }) => !search || Object.values(values).some((value) => String(value).toLowerCase().startsWith(search.toLowerCase())));
      const records = found.slice(from, from + 50).map(({ attributes: values }, i) => ({ id: String(30_100_000 + from + i), attributes: Object.fromEntries(attributes.map((name) => [name, { firstname: values["givenName"], lastname: values["sn"], email: values["mail"], phone: values["telephoneNumber"], Name: `${objectType} ${i + 1}` }[name]])) }));
      return { records, next: from + 50 < found.length ? String(from + 50) : null };
    },
    connector_dependents: ({ name }) => ({ mappings: findConnector(name).mappings.map((mapping, i) => ({ name: mapping, links: i === 0 ? 1240 : 0, queued: i * 2 })), secrets: 1, records: 4812, authorized: false }),
    connector_drift: ({ name }) => drift.get(name) ?? [],
    connector_drift_seen: ({ name, objectType }) => {
      drift.set(name, (drift.get(name) ?? []).map((item) => (item.objectType === objectType ? { ...item, changedAt: null, changes: [] } : item)));
      replaceConnector({ ...findConnector(name), drift: (drift.get(name) ?? []).reduce((sum, item) => sum + item.changes.length, 0) });
      return drift.get(name) ?? [];
    },
    ready_mappings_of: ({ name }) => {
      const { title, provider } = findConnector(name);
      const both = (type: string) => [
        { name: `system${name}${type}_managedUser`, source: `system/${name}/${type}`, target: "managed/user", sourceTitle: `${title} ${type}`, targetTitle: "User", links: null, parameters: [] },
        { name: `managedUser_system${name}${type}`, source: "managed/user", target: `system/${name}/${type}`, sourceTitle: "User", targetTitle: `${title} ${type}`, links: `system${name}${type}_managedUser`, parameters: provider === "salesforce" ? [{ name: "ProfileId", label: "Profile", help: "Written as ProfileId: id of the profile for new users.", kind: "record" as const, objectType: "Profile", required: true, default: null }] : [] },
      ];
      return both(provider === "salesforce" ? "User" : "contact").map((ready) => ({ ...ready, text: `A ${ready.sourceTitle} that matches nobody makes a new ${ready.targetTitle}; one that matches is linked and brought in line. When it is gone, the ${ready.targetTitle} stays, and each run shows it to you.`, correlation: "same mail", properties: [{ source: "email", target: "mail" }], there: mappings.some((item) => item.summary.name === ready.name), problem: null }));
    },
    ready_mappings_add: ({ connector: name, names, parameters }) => {
      const offered = handlers.ready_mappings_of({ name }) as Commands["ready_mappings_of"]["answer"];
      for (const ready of offered.filter((item) => names.includes(item.name))) {
        const open = ready.parameters.find((parameter) => !parameters[parameter.name]);
        if (open) fail({ code: "invalid", field: open.name, message: `mapping \`${ready.name}\` has to be told: ${open.label}; choose one` });
        mappings = [...mappings, mapping(ready.name, ready.source, ready.target, ready.sourceTitle, ready.targetTitle, { links: ready.links })];
      }
      return mappings.filter((item) => names.includes(item.summary.name)).map((item) => item.summary);
    },
    connector_authorize: ({ name }) =>
      new Promise((resolve) => {
        releaseAuthorize = (ok) => resolve({ ok, message: ok ? `${findConnector(name).title} is authorized.` : "Canceled. Nothing was changed." });
      }),
    connector_authorize_cancel: () => {
      releaseAuthorize?.(false);
      return {};
    },
    mappings_list: () => {
      for (const item of mappings) {
        const run = runs.find((candidate) => candidate.summary.id === item.summary.lastRun?.id);
        if (run) step(run);
      }
      return mappings.map((item) => item.summary);
    },
    mapping_get: ({ name }) => findMapping(name),
    mapping_save: ({ create, rev, config }) => {
      const name = String(config["name"] ?? "");
      if (name === "") fail({ code: "invalid", field: "name", message: "The mapping has no name. Give it one, for example systemHubspotContact_managedUser." });
      if (create && mappings.some((item) => item.summary.name === name)) fail({ code: "conflict", field: "name", message: `There is a mapping ${name} already. Choose another name, or edit that one.` });
      const there = mappings.find((item) => item.summary.name === name);
      if (rev !== undefined && rev !== there?.rev) fail({ code: "stale", message: `mapping \`${name}\` has changed meanwhile (revision ${there?.rev} now, ${rev} expected); load it again and repeat the change` });
      const saved = { ...mapping(name, String(config["source"]), String(config["target"]), "HubSpot contact", "User"), config };
      mappings = create ? [...mappings, saved] : mappings.map((item) => (item.summary.name === name ? { ...item, config, rev: String(Number(item.rev) + 1) } : item));
      return findMapping(name);
    },
    mapping_remove: ({ name }) => {
      mappings = mappings.filter((item) => item.summary.name !== name);
      return {};
    },
    mapping_reorder: ({ names }) => {
      mappings = names.map(findMapping);
      return mappings.map((item) => item.summary);
    },
    mapping_propose: ({ source, target, links }) => ({
      templates: [{ id: "empty", label: "Empty", help: "no property yet; the default behaviors", config: { name: `${source}_${target}`.replaceAll("/", "-"), source, target, ...(links ? { links } : {}), properties: [], policies: [] } }],
      linkable: mappings.filter((item) => item.summary.source === target && item.summary.target === source).map((item) => item.summary.name),
    }),
    mapping_try: ({ config, sourceId }) => {
      const source = contactSamples(users).find((record) => record.id === sourceId) ?? fail({ code: "notFound", message: `there is no record ${sourceId}` });
      const list = Array.isArray(config["properties"]) ? (config["properties"] as { source?: string; target: string; default?: unknown }[]) : [];
      return {
        source,
        target: null,
        candidates: [],
        situation: "ABSENT",
        meaning: "no matching record yet",
        action: "CREATE",
        outcome: "planned",
        why: "no record matches",
        reason: "no matching user record",
        remedy: null,
        fix: null,
        qualifiers: ["default"],
        byScripts: [],
        properties: list.map((property) => {
          const value = source.attributes[property.source ?? ""] ?? null;
          return { target: property.target, source: value, before: null, after: value ?? property.default ?? null, outcome: "written", why: "the target gets this value", steps: [{ name: "source", text: `the value of ${property.source}`, value }] };
        }),
      };
    },
    mapping_matches: () => ({ looked: 20, compared: 1000, more: true, unqualified: 1, noKey: 2, none: 4, one: 12, several: 1, ambiguous: [], matched: [] }),
    resources_list: () => [
      { path: "managed/user", title: "User", objectType: "user", connector: null, problem: null },
      ...connectors.flatMap((item) => item.objectTypes.map((objectType) => ({ path: `system/${item.name}/${objectType}`, title: `${item.title} ${objectType}`, objectType, connector: item.name, problem: null }))),
    ],
    resource_schema: ({ resource }) => ({
      objectType: resource.split("/").at(-1) ?? "",
      attributes: (resource === "managed/user" ? ATTRIBUTES.map(({ name, title, required, policies }) => ({ name, label: title, required, unique: policies.includes("unique") })) : ["firstname", "lastname", "email", "phone", "city"].map((name) => ({ name, label: name, required: false, unique: name === "email" }))).map((attribute) => ({ ...attribute, kind: "string", writable: true, options: [] })),
    }),
    resource_stats: ({ attributes }) => ({ looked: 500, more: true, attributes: attributes.map((name) => ({ name, filled: 431, distinct: 8, longest: 24, top: CITIES.map((value, i) => ({ value, count: 90 - i * 7 })) })) }),
    records_sample: ({ search }) => ({ records: contactSamples(users).filter(({ title }) => title.toLowerCase().includes((search ?? "").toLowerCase())).slice(0, 20) }),
    records_named: ({ ids }) => ({ records: ids.flatMap((id) => [...users.map(({ id: user, attributes }) => ({ id: user, title: String(attributes["userName"]), attributes })), ...contactSamples(users)].filter((record) => record.id === id).slice(0, 1)), stale: null }),
    associations_list: ({ standing, search }) => {
      const rows = contactSamples(users).slice(0, 12).map((source, index) => {
        const user = users[index];
        const linked = index % 4 !== 3 && user !== undefined;
        return { source, targetId: linked ? user.id : null, target: linked ? { id: user.id, title: source.title, attributes: user.attributes } : null, question: null, candidates: index === 7 ? 2 : 0 };
      });
      const wanted = (search ?? "").toLowerCase();
      const found = rows.filter((row) => row.source.title.toLowerCase().includes(wanted) && (standing === "any" || (standing === "linked") === (row.target !== null)));
      return { rows: standing === "dangling" ? [] : found, next: null, linkQualifier: "default", qualifiers: ["default"], live: wanted !== "", more: false };
    },
    run_start: ({ mapping: name, mode }) => {
      const entries = makeEntries();
      const counts = { changes: 112, needsYou: 7, calls: 49, durationMs: 6100 };
      if (mode === "preview") return addRun(name, mode, {}, entries, undefined, [], { state: "planned", ...counts }).summary;
      const done = entries.map((item): EntryRow => (item.status === "planned" ? { ...item, status: "done" } : item));
      return addRun(name, mode, {}, done, undefined, [], { state: "success", done: 112, ...counts }).summary;
    },
    run_apply: ({ id }) => {
      const run = findRun(id);
      const done = run.entries.map((item): EntryRow => (item.status === "planned" ? { ...item, status: "done" } : item));
      return addRun(run.summary.mapping, "apply", { undoes: run.summary.undoes, changes: run.summary.changes, stageDescription: "Writing User", total: run.summary.changes }, done, [], [], { state: "success", done: run.summary.changes, needsYou: run.summary.needsYou, processed: run.summary.changes, calls: 3, durationMs: 900, changes: run.summary.changes }).summary;
    },
    run_undo: ({ id, preview }) => {
      const { summary, entries } = findRun(id);
      const back = entries.filter((item) => item.status === "done").map((item) => takenBack(item, preview ? "planned" : "done"));
      const deletes = back.filter((item) => item.action === "DELETE").length;
      const holds = deletes > 5;
      const message = holds ? `${deletes} deletes are planned, 5 are allowed. Look at them; if they are right, allow ${deletes} for this run` : `deletes ${deletes} of 5 allowed`;
      const guards = [{ name: "maxDeletes", limit: "5", planned: String(deletes), holds, releasable: true, message }];
      return addRun(summary.mapping, preview ? "preview" : "reconcile", { undoes: id }, back, guards, [], { state: holds ? "held" : preview ? "planned" : "success", changes: back.length, done: preview || holds ? 0 : back.length, calls: 1, durationMs: 400, message: holds ? `held: ${message}` : null }).summary;
    },
    run_unfinished: ({ id, preview }) => {
      const { summary, entries } = findRun(id);
      const left = entries.filter((item) => item.status === "failed" || item.status === "stale" || item.status === "needsYou").map((item): EntryRow => ({ ...item, status: preview ? "planned" : "done" }));
      return addRun(summary.mapping, preview ? "preview" : "reconcile", { state: preview ? "planned" : "success", changes: left.length, done: preview ? 0 : left.length, calls: 1, durationMs: 400 }, left).summary;
    },
    run_cancel: ({ id }) => {
      const run = findRun(id);
      settle(run, { ...run.summary, state: "canceled", ended: new Date().toISOString(), message: "Canceled. What was done stays." });
      return run.summary;
    },
    run_get: ({ id }) => {
      const run = findRun(id);
      step(run);
      const situations = countBy(run.entries, "situation", (name) => SITUATIONS.find(([situation]) => situation === name)?.[1] ?? "");
      const confirmed = situations.find((count) => count.name === "CONFIRMED");
      if (confirmed && run.summary.undoes === null) confirmed.count += 1108;
      return { summary: run.summary, situations, actions: countBy(run.entries, "action", (name) => ACTION_MEANING[name] ?? ""), planned: countBy(run.entries.filter(({ status }) => status === "planned"), "action", () => ""), guards: run.guards, causes: run.causes, trouble: run.summary.state === "failed" ? "authorize" : null, resumeAt: null, undoneBy: runs.find(({ summary: undo }) => undo.undoes === id && undo.done > 0)?.summary ?? null };
    },
    run_entries: ({ id, situation, action, failed, stale, search, after, limit }) => {
      const wanted = (search ?? "").toLowerCase();
      const list = findRun(id).entries.filter((item) => (!situation || item.situation === situation) && (!action || item.action === action) && (!failed || item.status === "failed") && (!stale || item.status === "stale") && item.title.toLowerCase().includes(wanted));
      const { items, next } = page(list, after, limit);
      return { entries: items, next, total: list.length };
    },
    runs_list: ({ mapping: name, after, limit }) => {
      const { items, next } = page(
        runs.filter((run) => !name || run.summary.mapping === name),
        after,
        limit,
      );
      return { runs: items.map((run) => run.summary), next };
    },
    user_schema: () => ({ attributes: ATTRIBUTES }),
    users_list: (request) => {
      const { items, next, total } = findUsers(request);
      return { users: items, next, total };
    },
    user_get: ({ id }) => ({
      user: findUser(id),
      linked: linkedOf(findUser(id)),
      sync: syncOf(findUser(id)),
      history: [
        { at: ago(120), who: "reconciliation", attribute: "sn", before: "Li", after: findUser(id).attributes["sn"], run: "run-3", mapping: "systemHubspotContact_managedUser" },
        { at: ago(60 * 30), who: "you", attribute: "city", before: null, after: findUser(id).attributes["city"], run: null, mapping: null },
      ],
    }),
    user_save: ({ id, rev, attributes }) => saveUser(id, rev, attributes),
    user_delete: ({ id }) => {
      users = users.filter((item) => item.id !== id);
      return { user: null, sync: [] };
    },
    managed_types: () => [userType(users.length).summary],
    managed_type_get: () => userType(users.length),
    managed_type_save: ({ config, confirmed }) => {
      const gone = ATTRIBUTES.filter(({ name }) => !(name in ((config as { schema?: { properties?: object } }).schema?.properties ?? {})));
      const problems = gone.map(({ name, title }) => ({ gravity: "confirm" as const, property: name, message: `${title} has values; they stay in the objects and are shown no more`, objects: users.length, examples: ["Ann Lee", "Bob Berger"] }));
      return { saved: confirmed || problems.length === 0, problems, detail: userType(users.length) };
    },
    claims_apply: ({ config }) => {
      const { properties, ...schema } = config["schema"] as { properties: Record<string, object> };
      return {
        config: { ...config, schema: { ...schema, properties: { ...properties, mail: { ...properties["mail"], userEditable: false } } } },
        claims: [
          { claim: "http://wso2.org/claims/emailaddress", attribute: "mail", changes: ["read-only for people"], notes: [] },
          { claim: "http://wso2.org/claims/strange", attribute: null, changes: [], notes: ["left out: not supported by default, and there is no such attribute here"] },
        ],
      };
    },
    managed_type_remove: () => fail({ code: "invalid", message: "The type user is always there; change it instead." }),
    objects_list: (request) => listUsers(request),
    objects_glance: (request) => listUsers(request),
    objects_foresee_delete: ({ ids }) => ({ objects: ids.length, leftAlone: 0, effects: [{ mapping: "managedUser_systemHubspotContact", target: "system/hubspot/contact", targetTitle: "HubSpot contact", action: "DELETE", situation: "SOURCE_MISSING", count: ids.length, examples: ["Ann Lee"], needsYou: false, reason: "its user record is gone" }] }),
    objects_delete: ({ ids }) => {
      users = users.filter((item) => !ids.includes(item.id));
      return { done: ids.length, refused: [] };
    },
    objects_change: ({ ids, attributes }) => {
      users = users.map((item) => (ids.includes(item.id) ? { ...item, attributes: { ...item.attributes, ...attributes } } : item));
      return { done: ids.length, refused: [] };
    },
    objects_export: ({ onlyIds, ids }) => ({ path: "/home/ann/Downloads/concord-user-2026-11-21.csv", rows: onlyIds ? ids.length : users.length }),
    object_get: ({ id }) => ({ object: findUser(id), linked: linkedOf(findUser(id)), sync: syncOf(findUser(id)), protected: [{ attribute: "password", title: "Password", updated: ago(60 * 24) }] }),
    object_save: ({ id, rev, attributes: { password, ...attributes } }) => {
      if (typeof password === "string" && password.length < 8) {
        const policies = [{ property: "password", policy: "minimum-length", message: "Password needs at least 8 characters" }, { property: "password", policy: "at-least-X-numbers", message: "Password needs 1 digit or more" }];
        fail({ code: "policy", message: `${policies.length} policies are not met.`, policies });
      }
      const { user, sync } = saveUser(id, rev, attributes);
      return { object: user, created: id === null, sync };
    },
    object_delete: ({ id }) => ({ object: findUser(id), created: false, sync: [] }),
    object_history: ({ attribute: only }) => ({
      rows: [
        { at: ago(120), who: "reconciliation", attribute: "sn", before: "Li", after: "Lee", run: "run-3", mapping: "systemHubspotContact_managedUser" },
        { at: ago(60 * 30), who: "you", attribute: "city", before: null, after: "Oslo", run: null, mapping: null },
      ].filter(({ attribute }) => only === null || attribute === only),
      next: null,
    }),
    object_validate: () => ({ result: true, failedPolicyRequirements: [], policies: [], unchecked: [] }),
    inbox_list: ({ mapping: name }) => {
      const found = inbox.filter((question) => !name || question.mapping === name);
      return { questions: found, next: null, total: found.length };
    },
    inbox_answer: ({ id, choice }) => {
      const question = inbox.find((item) => item.id === id) ?? fail({ code: "notFound", message: "This question is answered already." });
      inbox = inbox.filter((item) => item.id !== id);
      return { message: `${question.title}: ${choice === "dismiss" ? "put aside" : "done"}` };
    },
    link_set: () => ({ message: "linked" }),
    link_remove: () => ({ message: "the link was removed" }),
    audit_list: ({ search, topic }) => {
      const words = (search ?? "").toLowerCase();
      return { rows: AUDIT.filter((row) => (!topic || row.topic === topic) && [row.who, row.topic, row.object, row.detail].some((text) => text.toLowerCase().includes(words))), next: null };
    },
    schedules_list: ({ mapping: name }) => schedules.filter(({ mappings: of }) => !name || of.includes(name)),
    schedule_save: ({ create, name, config }) => {
      if (create && schedules.some((item) => item.name === name)) fail({ code: "conflict", message: `schedule \`${name}\` exists already; choose another name`, field: "name" });
      const saved = scheduleInfo(name, config);
      schedules = [...schedules.filter((item) => item.name !== name), saved];
      return saved;
    },
    schedule_enable: ({ name, enabled }) => {
      const before = schedules.find((item) => item.name === name) ?? fail({ code: "notFound", message: `no such schedule: ${name}` });
      const saved = scheduleInfo(name, { ...before.config, enabled });
      schedules = schedules.map((item) => (item.name === name ? { ...saved, lastFired: item.lastFired, lastRun: item.lastRun, lastOutcome: item.lastOutcome } : item));
      return saved;
    },
    schedule_remove: ({ name }) => {
      schedules = schedules.filter((item) => item.name !== name);
      return {};
    },
    schedule_run: ({ name }) => {
      const run = runs[0]?.summary ?? null;
      schedules = schedules.map((item) => (item.name === name ? { ...item, lastFired: ago(0), lastRun: run, lastOutcome: "started, by hand" } : item));
      return { outcome: "started", runs: run ? [run] : [] };
    },
    schedule_outlook: ({ config }) => {
      const { words, next, problem } = scheduleInfo("x", { ...config, enabled: true });
      return { words, next, timeZone: typeof config["timeZone"] === "string" ? config["timeZone"] : null, problem };
    },
    change_feed: ({ name }) => (name === "systemHubspotContact_managedUser" ? { source: "system/hubspot/contact", title: "HubSpot contact", follows: true, problem: null } : { source: "managed/user", title: "User", follows: false, problem: "a change of User is delivered by implicit sync as it is saved" }),
    run_export: ({ format }) => ({ path: `/home/ann/Downloads/concord-run.${format}`, rows: 115 }),
    audit_export: ({ format }) => ({ path: `/home/ann/Downloads/concord-audit.${format}`, rows: 12 }),
    preferences_get: () => preferences,
    preferences_save: (changed) => {
      preferences = changed;
      return preferences;
    },
    queue_list: ({ after, limit }) => {
      const { items, next } = page(queue.toSorted((a, b) => Number(b.state === "failed") - Number(a.state === "failed")), after, limit);
      const failed = queue.filter(({ state }) => state === "failed").length;
      return { rows: items, next, failed, waiting: queue.length - failed };
    },
    queue_retry: ({ id }) => {
      queue = queue.map((row) => (row.id === id ? { ...row, state: "waiting", attempts: row.attempts + 1, nextAttemptAt: null, message: null } : row));
      return {};
    },
    queue_discard: ({ id }) => {
      queue = queue.filter((row) => row.id !== id);
      return {};
    },
    scim_token_list: () => tokens,
    scim_token_make: ({ name, profile }) => {
      if (tokens.some((token) => token.name === name)) fail({ code: "conflict", message: `SCIM token \`${name}\` exists already; revoke it first, or choose another name` });
      tokens = [...tokens, { name, profile, created: ago(0) }];
      return { name, profile, token: `test-token-${name}` };
    },
    scim_token_remove: ({ name }) => {
      tokens = tokens.filter((token) => token.name !== name);
      return {};
    },
    serving_get: () => serving,
    serving_set: ({ on, port, selfService }) => {
      const url = `http://127.0.0.1:${port}`;
      const first = passwords === 0 && on;
      if (first) passwords += 1;
      serving = { ...serving, port, selfService, addresses: on ? { rest: `${url}/openidm`, openapi: `${url}/openidm/openapi.json`, scim: `${url}/scim/v2`, scimOld: `${url}/hubspot/contacts`, selfService: selfService ? `${url}/people` : null } : null };
      return { ...serving, password: first ? "test-password-1" : null };
    },
    serving_password: () => {
      passwords += 1;
      return { ...serving, password: `test-password-${passwords}` };
    },
    sandbox_list: () => sandboxes,
    sandbox_start: ({ provider }) => {
      sandboxes = sandboxes.map((item) => (item.provider === provider ? { ...item, url: "http://127.0.0.1:43118", records: 250 } : item));
      return sandboxes;
    },
    sandbox_stop: ({ provider }) => {
      sandboxes = sandboxes.map((item) => (item.provider === provider ? { ...item, url: null, records: 0 } : item));
      return sandboxes;
    },
    sandbox_connect: ({ provider }) => {
      const name = connectors.some((item) => item.name === provider) ? `${provider}2` : provider;
      connectors = [...connectors, connector(name, { provider, title: `${provider === "salesforce" ? "Salesforce" : "HubSpot"} (sandbox)`, enabled: false, state: "disabled", host: "127.0.0.1:43118", ...(provider === "salesforce" ? { objectTypes: ["User", "Contact", "Profile"] } : {}) })];
      const made = connectorDetail(name);
      if (provider === "salesforce") details.set(name, { ...made, config: { ...made.config, configurationProperties: { ...(made.config["configurationProperties"] as object), grantType: "client_credentials", clientId: "made-up" } } });
      return connectorDetail(name);
    },
    sample_setup: () => {
      fill();
      return { connector: "sandbox", mappings: mappings.map((item) => item.summary.name), url: "http://127.0.0.1:43117" };
    },
  };

  return async (name, request) => {
    if (!(name in handlers)) fail({ code: "notFound", message: `There is no command ${name}.` });
    // Answers are copies, as they are when they come from another process.
    const handler = handlers[name as keyof Commands] as (request: unknown) => unknown;
    return structuredClone(await handler(request));
  };
}
