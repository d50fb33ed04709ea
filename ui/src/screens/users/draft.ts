import { t } from "@lingui/core/macro";

import type { ApiError } from "../../backend/bindings/ApiError";
import { errorWords, sentence } from "../../words/error";
import { cellText } from "../../words/value";
import type { Attribute } from "./kind";
import { shapeOf } from "./nested";

export type Attributes = Record<string, unknown>;

/** What the form changes: only attributes that differ; an emptied one is removed by null. */
export function changedAttributes(base: Attributes, edits: Attributes): Attributes {
  return Object.fromEntries(Object.entries(edits).flatMap(([name, value]) => (same(base[name], value) ? [] : [[name, normal(value)]])));
}

/** The edits that are none of those that were sent. */
export function editedSince(sent: Attributes, edits: Attributes): Attributes {
  return Object.fromEntries(Object.entries(edits).filter(([name, value]) => !(name in sent && same(sent[name], value))));
}

/** The edits, as typed, that differ from what they are made on. */
export function differing(base: Attributes, edits: Attributes): Attributes {
  return Object.fromEntries(Object.entries(edits).filter(([name, value]) => !same(base[name], value)));
}

/** The edited attributes that were changed elsewhere too, to something else: what the edits were made on is not what is stored now. */
export function changedElsewhere(base: Attributes, now: Attributes, edits: Attributes): string[] {
  return Object.keys(differing(now, edits)).filter((name) => !same(base[name], now[name]));
}

/** Every policy that a save did not meet, by attribute. */
export function policyErrors(error: ApiError | null): Map<string, string[]> {
  const errors = new Map<string, string[]>();
  const add = (name: string, message: string) => errors.set(name, [...(errors.get(name) ?? []), message]);
  for (const policy of error?.policies ?? []) add(policy.property, sentence(policy.message));
  if (error?.field && !errors.has(error.field)) add(error.field, errorWords(error));
  return errors;
}

/** What the policies ask for, a sentence each: "Unique. At least 8 characters long." */
export function policyHint(words: string[]): string | undefined {
  return words.map((policy) => `${policy.charAt(0).toUpperCase()}${policy.slice(1)}.`).join(" ") || undefined;
}

/** What to call an object in titles: the name if there is one, else what is there. */
export function objectName(attributes: Attributes): string {
  const text = (name: string) => cellText(attributes[name]);
  return [text("givenName"), text("sn")].filter(Boolean).join(" ") || text("displayName") || text("name") || text("userName") || text("mail") || t`(no name)`;
}

const NESTED = new Set(["object", "array", "relationship"]);

/** Whether this form can edit an attribute; references to other objects are shown only. */
export function isEditable(attribute: Attribute, value: unknown): boolean {
  if (!attribute.editable) return false;
  return shapeOf(attribute) !== null || (!NESTED.has(attribute.kind) && (typeof value !== "object" || value === null));
}

/** Whether an attribute has a place on the form: it can be edited, or there is something to show. */
export function hasPlace(attribute: Attribute, value: unknown): boolean {
  return isEditable(attribute, value) || (value !== null && value !== undefined);
}

/** Whether an attribute takes the whole width of the form, because it holds more than one value. */
export function isWide(attribute: Attribute): boolean {
  return attribute.editable && shapeOf(attribute) !== null;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(normal(a)) === JSON.stringify(normal(b));
}

function normal(value: unknown): unknown {
  return value === undefined || value === "" ? null : value;
}
