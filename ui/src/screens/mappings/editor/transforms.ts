import { t } from "@lingui/core/macro";

import { type BuiltIn, isObject, isScript, type Property, type Script, scriptText } from "./document";

export type Step = Script | BuiltIn;

export interface Argument {
  name: string;
  label: string;
  kind: "text" | "number" | "switch" | "choice" | "parts" | "values" | "json";
  choices?: string[];
  help?: string;
  required?: boolean;
}

export interface BuiltInWords {
  name: string;
  label: string;
  help: string;
  arguments: Argument[];
  /** What a new one begins with. */
  start: Record<string, unknown>;
}

const INVALID: Argument = { name: "invalid", label: t`If it cannot be read`, kind: "choice", choices: ["fail", "keep", "empty"], help: t`fail: the record fails; keep: the value goes on as it is; empty: it counts as none.` };
const DATES = t`date, dateTime, epochMillis, epochSeconds, or a pattern such as %d.%m.%Y.`;

export const BUILT_INS: BuiltInWords[] = [
  { name: "lower", label: t`Lower case`, help: t`ANN@X.ORG becomes ann@x.org`, arguments: [], start: {} },
  { name: "upper", label: t`Upper case`, help: t`no becomes NO`, arguments: [], start: {} },
  { name: "trim", label: t`Trim`, help: t`no blanks at both ends`, arguments: [], start: {} },
  { name: "first", label: t`First characters`, help: t`the beginning of the text`, arguments: [{ name: "count", label: t`Characters`, kind: "number", required: true }], start: { count: 40 } },
  { name: "replace", label: t`Replace`, help: t`one text by another`, arguments: [
    { name: "find", label: t`Find`, kind: "text", required: true },
    { name: "with", label: t`Replace with`, kind: "text" },
    { name: "regex", label: t`Find is a regular expression`, kind: "switch", help: t`$1 is its first group.` },
  ], start: { find: "-", with: "" } },
  { name: "concat", label: t`Join attributes`, help: t`a text made of several attributes`, arguments: [{ name: "parts", label: t`Parts`, kind: "parts", required: true }], start: { parts: [{ attribute: "firstname" }, { text: " " }, { attribute: "lastname" }] } },
  { name: "constant", label: t`Constant`, help: t`always the same value`, arguments: [{ name: "value", label: t`Value`, kind: "json", required: true }], start: { value: "" } },
  { name: "map", label: t`Look up in a list`, help: t`one value for another, as between two picklists`, arguments: [
    { name: "values", label: t`Values`, kind: "values", required: true },
    { name: "keepOthers", label: t`Keep values that are not listed`, kind: "switch" },
    { name: "otherwise", label: t`Otherwise`, kind: "json", help: t`For values that are not listed. Without it, and without keeping them, the record fails.` },
  ], start: { values: {}, keepOthers: true } },
  { name: "phoneE164", label: t`Phone number as +4930\u2026`, help: t`the international form`, arguments: [{ name: "country", label: t`Country`, kind: "text", required: true, help: t`Two letters, for numbers without a country code.` }, INVALID], start: { country: "US", invalid: "keep" } },
  { name: "date", label: t`Date in another form`, help: t`such as HubSpot's milliseconds as a date`, arguments: [
    { name: "from", label: t`From`, kind: "text", help: t`Empty tells ISO and epochs apart by itself; else ${DATES}` },
    { name: "to", label: t`To`, kind: "text", required: true, help: DATES },
    INVALID,
  ], start: { to: "date" } },
  { name: "split", label: t`Split into a list`, help: t`at each separator`, arguments: [
    { name: "separator", label: t`Separator`, kind: "text", required: true },
    { name: "index", label: t`Only part number`, kind: "number", help: t`From 0; from the end if negative. Empty gives the whole list.` },
  ], start: { separator: ";" } },
  { name: "join", label: t`Join a list`, help: t`a list becomes a text`, arguments: [{ name: "separator", label: t`Separator`, kind: "text" }], start: { separator: ";" } },
];

export function builtInWords(name: string): BuiltInWords | undefined {
  return BUILT_INS.find((known) => known.name === name);
}

export function stepsOf(transform: Property["transform"]): Step[] {
  if (transform === undefined || transform === null) return [];
  return (Array.isArray(transform) ? transform : [transform]).filter((step): step is Step => isObject(step));
}

/** One step stands alone, as IDM writes it; several are a list; none is no transform. */
export function transformOf(steps: Step[]): Property["transform"] {
  return steps.length > 1 ? (steps as BuiltIn[]) : steps[0];
}

/** A transform in a few words: the names of the built-ins, the beginning of a script. */
export function transformText(transform: Property["transform"]): string {
  return stepsOf(transform)
    .map((step) => (isScript(step) ? scriptText(step).trim().split("\n", 1)[0] || t`script` : (builtInWords(String(step["builtIn"]))?.label.toLowerCase() ?? String(step["builtIn"]))))
    .reduce((before, after) => (before === "" ? after : t`${before}, then ${after}`), "");
}
