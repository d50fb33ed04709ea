import { t } from "@lingui/core/macro";

/** What each policy wants to know, and how it is called on the screen. */

export interface Param {
  key: string;
  label: string;
  kind: "number" | "text" | "list";
  help?: string;
}

const PARAMS: Record<string, Param[]> = {
  "minimum-length": [{ key: "minLength", label: t`Characters at least`, kind: "number" }],
  "maximum-length": [{ key: "maxLength", label: t`Characters at most`, kind: "number" }],
  "at-least-X-capitals": [{ key: "numCaps", label: t`Capital letters at least`, kind: "number" }],
  "at-least-X-numbers": [{ key: "numNums", label: t`Digits at least`, kind: "number" }],
  regexpMatches: [
    { key: "regexp", label: t`Regular expression`, kind: "text" },
    { key: "flags", label: t`Flags`, kind: "text", help: t`i ignores capital letters` },
  ],
  "cannot-contain-others": [{ key: "disallowedFields", label: t`Properties`, kind: "list", help: t`names between commas` }],
  "cannot-contain-characters": [{ key: "forbiddenChars", label: t`Characters`, kind: "list", help: t`between commas` }],
};

const TITLES: Record<string, string> = {
  required: t`Required`,
  "not-empty": t`Not empty`,
  unique: t`Unique`,
  "no-internal-user-conflict": t`No name that Concord itself uses`,
  regexpMatches: t`Matches a pattern`,
  "valid-type": t`Of its type`,
  "valid-date": t`A date`,
  "valid-email-address-format": t`An e-mail address`,
  "valid-name-format": t`A name`,
  "valid-phone-format": t`A phone number`,
  "at-least-X-capitals": t`Capital letters`,
  "at-least-X-numbers": t`Digits`,
  "minimum-length": t`Minimum length`,
  "maximum-length": t`Maximum length`,
  "cannot-contain-others": t`Not the value of others`,
  "cannot-contain-characters": t`None of some characters`,
  "cannot-contain-duplicates": t`No item twice`,
};

export function policyTitle(id: string): string {
  return TITLES[id] ?? id;
}

export function paramsOf(id: string): Param[] {
  return PARAMS[id] ?? [];
}

/** A parameter as it stands in its field. */
export function paramText(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "string" ? value : String(value);
}

/** What was typed as the parameter that the document holds; nothing typed is no parameter. */
export function paramValue(param: Param, typed: string): unknown {
  if (typed === "") return undefined;
  if (param.kind === "number") return /^\d+$/.test(typed) ? Number(typed) : typed;
  return param.kind === "list" ? typed.split(",") : typed;
}
