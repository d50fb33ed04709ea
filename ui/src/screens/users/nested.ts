import type { Attribute } from "./kind";

/** How the value of a nested attribute is edited. */
export type Shape =
  /** Its declared properties, each as a field. */
  | { kind: "group"; attributes: Attribute[] }
  /** Values of one kind, one below the other. */
  | { kind: "list"; item: "string" | "number" | "boolean" }
  /** As the text that it is. */
  | { kind: "text"; root: "array" | "object" };

type Schema = Record<string, unknown>;

const SCALARS: Record<string, "string" | "number" | "boolean"> = { string: "string", number: "number", integer: "number", boolean: "boolean" };

/** Nothing where the attribute is not nested, or refers to other objects. */
export function shapeOf({ kind, schema }: Attribute): Shape | null {
  if (kind === "object") {
    const attributes = attributesOf(schema);
    return attributes.length > 0 ? { kind: "group", attributes } : { kind: "text", root: "object" };
  }
  if (kind !== "array") return null;
  const items = objectOr(schema["items"]);
  const item = kindOfSchema(items);
  if (item === "relationship") return null;
  const scalar = SCALARS[item];
  return scalar ? { kind: "list", item: scalar } : { kind: "text", root: "array" };
}

/** The properties that an object declares, as attributes of their own. */
export function attributesOf(schema: Schema): Attribute[] {
  const properties = objectOr(schema["properties"]);
  const listed = texts(schema["order"]).filter((name) => name in properties);
  const required = new Set(texts(schema["required"]));
  return [...listed, ...Object.keys(properties).filter((name) => !listed.includes(name))].map((name) => {
    const own = objectOr(properties[name]);
    return {
      name,
      title: typeof own["title"] === "string" && own["title"] !== "" ? own["title"] : name,
      kind: kindOfSchema(own),
      required: required.has(name) || own["required"] === true,
      searchable: false,
      unique: false,
      editable: own["isVirtual"] !== true,
      policies: [],
      schema: own,
    };
  });
}

function kindOfSchema(schema: Schema): string {
  const types = Array.isArray(schema["type"]) ? texts(schema["type"]) : [schema["type"]];
  return String(types.find((type) => type !== "null") ?? "string");
}

/** A part of a group with another value; a group of which nothing is left is nothing. */
export function withPart(group: unknown, name: string, value: unknown): unknown {
  const { [name]: _, ...others } = objectOr(group);
  const next = value === "" || value === null || value === undefined ? others : { ...others, [name]: value };
  return Object.keys(next).length === 0 ? null : next;
}

/** A typed item as its kind wants it; what is no number stays as it was typed, and is refused as that. */
export function itemOf(kind: "string" | "number" | "boolean", typed: string): unknown {
  return kind === "number" && typed.trim() !== "" && Number.isFinite(Number(typed)) ? Number(typed) : typed;
}

/** A text as the value that it stands for, or what is wrong with it. */
export function parsed(text: string, root: "array" | "object"): { value: unknown } | { wrong: "syntax" | "root" } {
  if (text.trim() === "") return { value: null };
  try {
    const value: unknown = JSON.parse(text);
    const fits = root === "array" ? Array.isArray(value) : typeof value === "object" && value !== null && !Array.isArray(value);
    return fits ? { value } : { wrong: "root" };
  } catch {
    return { wrong: "syntax" };
  }
}

export function objectOr(value: unknown): Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}
