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

const INVALID: Argument = { name: "invalid", label: "If it cannot be read", kind: "choice", choices: ["fail", "keep", "empty"], help: "fail: the record fails; keep: the value goes on as it is; empty: it counts as none." };
const DATES = "date, dateTime, epochMillis, epochSeconds, or a pattern such as %d.%m.%Y.";

export const BUILT_INS: BuiltInWords[] = [
  { name: "lower", label: "Lower case", help: "ANN@X.ORG becomes ann@x.org", arguments: [], start: {} },
  { name: "upper", label: "Upper case", help: "no becomes NO", arguments: [], start: {} },
  { name: "trim", label: "Trim", help: "no blanks at both ends", arguments: [], start: {} },
  { name: "first", label: "First characters", help: "the beginning of the text", arguments: [{ name: "count", label: "Characters", kind: "number", required: true }], start: { count: 40 } },
  { name: "replace", label: "Replace", help: "one text by another", arguments: [
    { name: "find", label: "Find", kind: "text", required: true },
    { name: "with", label: "Replace with", kind: "text" },
    { name: "regex", label: "Find is a regular expression", kind: "switch", help: "$1 is its first group." },
  ], start: { find: "-", with: "" } },
  { name: "concat", label: "Join attributes", help: "a text made of several attributes", arguments: [{ name: "parts", label: "Parts", kind: "parts", required: true }], start: { parts: [{ attribute: "firstname" }, { text: " " }, { attribute: "lastname" }] } },
  { name: "constant", label: "Constant", help: "always the same value", arguments: [{ name: "value", label: "Value", kind: "json", required: true }], start: { value: "" } },
  { name: "map", label: "Look up in a list", help: "one value for another, as between two picklists", arguments: [
    { name: "values", label: "Values", kind: "values", required: true },
    { name: "keepOthers", label: "Keep values that are not listed", kind: "switch" },
    { name: "otherwise", label: "Otherwise", kind: "json", help: "For values that are not listed. Without it, and without keeping them, the record fails." },
  ], start: { values: {}, keepOthers: true } },
  { name: "phoneE164", label: "Phone number as +4930\u2026", help: "the international form", arguments: [{ name: "country", label: "Country", kind: "text", required: true, help: "Two letters, for numbers without a country code." }, INVALID], start: { country: "US", invalid: "keep" } },
  { name: "date", label: "Date in another form", help: "such as HubSpot's milliseconds as a date", arguments: [
    { name: "from", label: "From", kind: "text", help: `Empty tells ISO and epochs apart by itself; else ${DATES}` },
    { name: "to", label: "To", kind: "text", required: true, help: DATES },
    INVALID,
  ], start: { to: "date" } },
  { name: "split", label: "Split into a list", help: "at each separator", arguments: [
    { name: "separator", label: "Separator", kind: "text", required: true },
    { name: "index", label: "Only part number", kind: "number", help: "From 0; from the end if negative. Empty gives the whole list." },
  ], start: { separator: ";" } },
  { name: "join", label: "Join a list", help: "a list becomes a text", arguments: [{ name: "separator", label: "Separator", kind: "text" }], start: { separator: ";" } },
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
    .map((step) => (isScript(step) ? scriptText(step).trim().split("\n", 1)[0] || "script" : (builtInWords(String(step["builtIn"]))?.label.toLowerCase() ?? String(step["builtIn"]))))
    .join(", then ");
}
