/** A mapping in the shape of an element of `sync.json`. Keys that no screen knows are kept as they are. */
export type Doc = Record<string, unknown>;

export interface Script {
  type: string;
  source?: string;
  file?: string;
  [key: string]: unknown;
}

export type Condition = string | Script;

export interface BuiltIn {
  builtIn: string;
  [argument: string]: unknown;
}

export interface Property {
  source?: string;
  target: string;
  transform?: Script | BuiltIn | BuiltIn[];
  condition?: Condition;
  default?: unknown;
  whenEmpty?: string;
  setOn?: string;
  conflictRule?: string;
  [key: string]: unknown;
}

export interface Policy {
  situation: string;
  action: string | Script;
  condition?: Condition;
  postAction?: Script;
  [key: string]: unknown;
}

/** An expression of IDM's correlation screen: attributes of the target, in groups. */
export type Tree = string | { any: Tree[] } | { all: Tree[] };

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isScript(value: unknown): value is Script {
  return isObject(value) && ("type" in value || "source" in value || "file" in value) && !("builtIn" in value);
}

export function script(source: string, old?: unknown): Script {
  const rest = isScript(old) ? { ...old } : { type: "text/javascript" };
  // A text that stands here replaces the file that it was read from.
  delete rest["file"];
  return { ...rest, type: typeof rest["type"] === "string" ? rest["type"] : "text/javascript", source };
}

/** The text of a script; one of an IDM project's files is named, because its text is not here. */
export function scriptText(value: unknown): string {
  if (!isScript(value)) return "";
  return value.source ?? "";
}

export function textOf(doc: Doc, key: string): string {
  const value = doc[key];
  return typeof value === "string" ? value : "";
}

export function flagOf(doc: Doc, key: string, fallback: boolean): boolean {
  const value = doc[key];
  return typeof value === "boolean" ? value : fallback;
}

export function propertiesOf(doc: Doc): Property[] {
  const list = doc["properties"];
  return Array.isArray(list) ? list.filter((item): item is Property => isObject(item) && typeof item["target"] === "string") : [];
}

export function policiesOf(doc: Doc): Policy[] {
  const list = doc["policies"];
  return Array.isArray(list) ? list.filter((item): item is Policy => isObject(item) && typeof item["situation"] === "string") : [];
}

/** The document with this key, or without it where the value is undefined. */
export function withKey<T extends Record<string, unknown>>(doc: T, key: string, value: unknown): T {
  const next: Record<string, unknown> = { ...doc };
  if (value === undefined) delete next[key];
  else next[key] = value;
  return next as T;
}

export function withProperties(doc: Doc, change: (list: Property[]) => Property[]): Doc {
  return { ...doc, properties: change(propertiesOf(doc)) };
}

export function withPolicies(doc: Doc, change: (list: Policy[]) => Policy[]): Doc {
  return { ...doc, policies: change(policiesOf(doc)) };
}

export function replaced<T>(list: T[], index: number, item: T): T[] {
  return list.map((old, i) => (i === index ? item : old));
}

export function removed<T>(list: T[], index: number): T[] {
  return list.filter((_, i) => i !== index);
}

/** The list with one item in another place. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const item = list[from];
  if (item === undefined || from === to || to < 0 || to >= list.length) return list;
  const rest = removed(list, from);
  return [...rest.slice(0, to), item, ...rest.slice(to)];
}

/** An attribute's name without the slash that a pointer may begin with. */
export function plain(pointer: string): string {
  return pointer.replace(/^\//, "");
}

/** The property with another source. None is the whole record where a transform takes it, and nothing where none does. */
export function withSource(property: Property, source: string): Property {
  return withKey(property, "source", source !== "" ? source : property.transform === undefined ? undefined : "");
}

/** The property with another transform, which takes the whole record where the property names no source. */
export function withTransform(property: Property, transform: Property["transform"]): Property {
  return withSource(withKey(property, "transform", transform), property.source ?? "");
}

/** Required attributes of the target that no property gives a value. */
export function missingRequired(doc: Doc, attributes: { name: string; required: boolean; writable: boolean }[]): string[] {
  const mapped = new Set(propertiesOf(doc).map((property) => plain(property.target).split("/")[0]));
  return attributes.filter(({ name, required, writable }) => required && writable && !name.startsWith("_") && !mapped.has(name)).map(({ name }) => name);
}

/** The attributes of the source that the mapping's properties and filters name. */
export function sourceAttributes(doc: Doc): string[] {
  const names = propertiesOf(doc).map((property) => plain(property.source ?? "").split("/")[0] ?? "");
  const filters = [doc["sourceCondition"], ...propertiesOf(doc).map((property) => property.condition), ...policiesOf(doc).map((policy) => policy.condition)];
  for (const filter of filters) {
    if (typeof filter !== "string") continue;
    for (const [, name] of filter.matchAll(/\/(?:source|object)\/([\w.-]+)/g)) names.push(name ?? "");
  }
  return [...new Set(names.filter(Boolean))].toSorted();
}

/** The attributes of the target that the mapping's properties write. */
export function targetAttributes(doc: Doc): string[] {
  const names = propertiesOf(doc).map((property) => plain(property.target).split("/")[0] ?? "");
  return [...new Set(names.filter(Boolean))].toSorted();
}

export interface LinkQualifiers {
  kind: "none" | "list" | "script";
  names: string[];
}

export function linkQualifiersOf(doc: Doc): LinkQualifiers {
  const value = doc["linkQualifiers"];
  if (Array.isArray(value)) return { kind: "list", names: value.filter((name): name is string => typeof name === "string") };
  return { kind: isScript(value) ? "script" : "none", names: [] };
}

/** The query filter of `sourceQuery` or `targetQuery`. */
export function queryFilterOf(doc: Doc, key: "sourceQuery" | "targetQuery"): string {
  const query = doc[key];
  const filter = isObject(query) ? query["_queryFilter"] : undefined;
  return typeof filter === "string" ? filter : "";
}
