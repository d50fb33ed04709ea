/** What each policy wants to know, and how it is called on the screen. */

export interface Param {
  key: string;
  label: string;
  kind: "number" | "text" | "list";
  help?: string;
}

const PARAMS: Record<string, Param[]> = {
  "minimum-length": [{ key: "minLength", label: "Characters at least", kind: "number" }],
  "maximum-length": [{ key: "maxLength", label: "Characters at most", kind: "number" }],
  "at-least-X-capitals": [{ key: "numCaps", label: "Capital letters at least", kind: "number" }],
  "at-least-X-numbers": [{ key: "numNums", label: "Digits at least", kind: "number" }],
  regexpMatches: [
    { key: "regexp", label: "Regular expression", kind: "text" },
    { key: "flags", label: "Flags", kind: "text", help: "i ignores capital letters" },
  ],
  "cannot-contain-others": [{ key: "disallowedFields", label: "Properties", kind: "list", help: "names between commas" }],
  "cannot-contain-characters": [{ key: "forbiddenChars", label: "Characters", kind: "list", help: "between commas" }],
};

const TITLES: Record<string, string> = {
  required: "Required",
  "not-empty": "Not empty",
  unique: "Unique",
  "no-internal-user-conflict": "No name that Concord itself uses",
  regexpMatches: "Matches a pattern",
  "valid-type": "Of its type",
  "valid-date": "A date",
  "valid-email-address-format": "An e-mail address",
  "valid-name-format": "A name",
  "valid-phone-format": "A phone number",
  "at-least-X-capitals": "Capital letters",
  "at-least-X-numbers": "Digits",
  "minimum-length": "Minimum length",
  "maximum-length": "Maximum length",
  "cannot-contain-others": "Not the value of others",
  "cannot-contain-characters": "None of some characters",
  "cannot-contain-duplicates": "No item twice",
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
