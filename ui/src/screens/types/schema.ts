import { t } from "@lingui/core/macro";

/** Changes of a managed type's document, each giving a new one; what it does not know stays as it is. */

export type TypeDocument = Record<string, unknown>;
export type PropertyDocument = Record<string, unknown>;

export interface Policy {
  policyId: string;
  params?: Record<string, unknown>;
}

export const KINDS = ["string", "number", "integer", "boolean", "array", "object", "relationship"];

export function blankType(): TypeDocument {
  return { name: "", schema: { title: "", type: "object", properties: {}, order: [], required: [] } };
}

function schemaOf(doc: TypeDocument): Record<string, unknown> {
  return isObject(doc["schema"]) ? doc["schema"] : {};
}

function propertiesOf(doc: TypeDocument): Record<string, PropertyDocument> {
  const properties = schemaOf(doc)["properties"];
  return isObject(properties) ? (properties as Record<string, PropertyDocument>) : {};
}

function withSchema(doc: TypeDocument, part: Record<string, unknown>): TypeDocument {
  return { ...doc, schema: { ...schemaOf(doc), ...part } };
}

/** The names of the properties in form order: those of `order`, then the others. */
export function orderOf(doc: TypeDocument): string[] {
  const names = Object.keys(propertiesOf(doc));
  const listed = texts(schemaOf(doc)["order"]).filter((name) => names.includes(name));
  return [...listed, ...names.filter((name) => !listed.includes(name))];
}

export function titleOfType(doc: TypeDocument): string {
  return text(schemaOf(doc)["title"]) || text(doc["title"]);
}

export function withTitle(doc: TypeDocument, title: string): TypeDocument {
  return withSchema(doc, { title });
}

export function propertyOf(doc: TypeDocument, name: string): PropertyDocument {
  return propertiesOf(doc)[name] ?? {};
}

/** The kind of a property, and whether it may be null besides. */
export function kindOf(property: PropertyDocument): { kind: string; nullable: boolean } {
  const kinds = Array.isArray(property["type"]) ? texts(property["type"]) : [text(property["type"])];
  return { kind: kinds.find((kind) => kind !== "null") ?? "", nullable: kinds.includes("null") };
}

/** How values that nobody may read are kept: `hash`, `seal`, or not like that. A password is always one of them. */
export type Protection = "" | "hash" | "seal";

export function protectionOf(name: string, property: PropertyDocument): Protection {
  if (isObject(property["secureHash"])) return "hash";
  if (isObject(property["encryption"])) return "seal";
  return name === "password" ? "hash" : "";
}

export function withProtection(doc: TypeDocument, name: string, protection: Protection): TypeDocument {
  return withProperty(doc, name, {
    secureHash: protection === "hash" ? { algorithm: "ARGON2ID" } : undefined,
    encryption: protection === "seal" ? { purpose: "idm.password.encryption" } : undefined,
  });
}

export function policiesOf(property: PropertyDocument): Policy[] {
  const policies = property["policies"];
  return Array.isArray(policies) ? policies.filter((policy): policy is Policy => isObject(policy) && typeof policy["policyId"] === "string") : [];
}

export function isRequired(doc: TypeDocument, name: string): boolean {
  return texts(schemaOf(doc)["required"]).includes(name);
}

export function isUnique(property: PropertyDocument): boolean {
  return policiesOf(property).some(({ policyId }) => policyId === "unique");
}

/** Changes keywords of a property; an undefined one goes. */
export function withProperty(doc: TypeDocument, name: string, part: PropertyDocument): TypeDocument {
  const changed = Object.fromEntries(Object.entries({ ...propertyOf(doc, name), ...part }).filter(([, value]) => value !== undefined));
  return withSchema(doc, { properties: { ...propertiesOf(doc), [name]: changed } });
}

export function withKind(doc: TypeDocument, name: string, kind: string): TypeDocument {
  return withProperty(doc, name, { type: kindOf(propertyOf(doc, name)).nullable ? [kind, "null"] : kind });
}

export function withRequired(doc: TypeDocument, name: string, required: boolean): TypeDocument {
  const others = texts(schemaOf(doc)["required"]).filter((other) => other !== name);
  return withSchema(doc, { required: required ? [...others, name] : others });
}

export function withPolicies(doc: TypeDocument, name: string, policies: Policy[]): TypeDocument {
  return withProperty(doc, name, { policies: policies.length > 0 ? policies : undefined });
}

export function withUnique(doc: TypeDocument, name: string, unique: boolean): TypeDocument {
  const others = policiesOf(propertyOf(doc, name)).filter(({ policyId }) => policyId !== "unique");
  return withPolicies(doc, name, unique ? [{ policyId: "unique" }, ...others] : others);
}

export function added(doc: TypeDocument, name: string): TypeDocument {
  const property = { title: words(name), type: "string", viewable: true, userEditable: true, searchable: false };
  return withSchema(doc, { properties: { ...propertiesOf(doc), [name]: property }, order: [...orderOf(doc), name] });
}

export function removed(doc: TypeDocument, name: string): TypeDocument {
  const { [name]: _, ...others } = propertiesOf(doc);
  return withSchema(doc, { properties: others, order: orderOf(doc).filter((other) => other !== name), required: texts(schemaOf(doc)["required"]).filter((other) => other !== name) });
}

export function moved(doc: TypeDocument, from: number, to: number): TypeDocument {
  const order = orderOf(doc);
  const [name] = order.splice(from, 1);
  if (name !== undefined) order.splice(to, 0, name);
  return withSchema(doc, { order });
}

/** Why a property cannot be called that, if it cannot. */
export function wrongName(doc: TypeDocument, name: string): string | null {
  if (name === "") return t`Give the property a name.`;
  if (!/^[A-Za-z][\w-]*$/.test(name)) return t`Use letters, digits, _ and -, and begin with a letter.`;
  if (name in propertiesOf(doc)) return t`There is a property ${name} already.`;
  return null;
}

/** How many parts of a type differ: its head, each property, and the order. */
export function differences(before: TypeDocument, after: TypeDocument): number {
  const names = new Set([...orderOf(before), ...orderOf(after)]);
  const changed = [...names].filter((name) => !same(whole(before, name), whole(after, name))).length;
  return changed + (same(head(before), head(after)) ? 0 : 1) + (same(kept(before, after), kept(after, before)) ? 0 : 1);
}

function head(doc: TypeDocument): unknown {
  return { ...doc, schema: { ...schemaOf(doc), properties: null, order: null, required: null } };
}

function whole(doc: TypeDocument, name: string): unknown {
  return [propertiesOf(doc)[name], isRequired(doc, name)];
}

/** The order of the properties that another document has too. */
function kept(doc: TypeDocument, other: TypeDocument): string[] {
  return orderOf(doc).filter((name) => name in propertiesOf(other));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** "costCentre" reads "Cost Centre". */
function words(name: string): string {
  const spaced = name.replace(/([a-z\d])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}
