import { type Comparison, type Group, literal, readFilter } from "../../../parts/filter";
import { isScript, type Script } from "./document";

/**
 * IDM has a script where it asks whether a record qualifies. A filter that is chosen here is written as one, so that the
 * mapping stays IDM's, and its first line keeps the filter; a script that was edited by hand stays a script.
 */
const MARK = "//filter:";

/** Compares like the engine's query filters do: by type, and a text that is a number also as that. */
const HEAD = [
  "function at(path) { return path.reduce(function (part, name) { return part === null || part === undefined ? null : part[name]; }, record); }",
  "function there(value) { return value !== null && value !== undefined && value.length !== 0; }",
  "function any(value, test) { return Array.isArray(value) ? value.some(test) : test(value === undefined ? null : value); }",
  "function like(value, wanted) { return typeof value === 'string' && typeof wanted === 'number' && value.trim() !== '' ? Number(value) : typeof value === 'string' && typeof wanted === 'boolean' ? { 'true': true, 'false': false }[value] : value; }",
];

const TESTS: Partial<Record<Comparison["operator"], string>> = {
  eq: "value === wanted",
  ne: "value === wanted",
  co: "typeof value === 'string' && value.indexOf(wanted) !== -1",
  sw: "typeof value === 'string' && value.indexOf(wanted) === 0",
  gt: "typeof value === typeof wanted && value > wanted",
  ge: "typeof value === typeof wanted && value >= wanted",
  lt: "typeof value === typeof wanted && value < wanted",
  le: "typeof value === typeof wanted && value <= wanted",
};

function test({ attribute, operator, value }: Comparison): string {
  const path = JSON.stringify(attribute.split("/").filter(Boolean));
  const there = `there(at(${path}))`;
  if (operator === "pr") return there;
  if (operator === "absent") return `!${there}`;
  const found = `any(at(${path}), function (found) { var wanted = ${literal(value)}, value = like(found, wanted); return ${TESTS[operator] ?? "false"}; })`;
  return operator === "ne" ? `!${found}` : found;
}

/** The script of a filter; null for a filter that is more than a list of comparisons. */
export function scriptOfFilter(filter: string, variable: string): Script | null {
  const group: Group | null = readFilter(filter, "");
  if (!group || group.parts.length === 0 || /[\r\n\u2028\u2029]/.test(filter)) return null;
  const joined = group.parts.map(test).join(group.join === "and" ? "\n    && " : "\n    || ");
  return { type: "text/javascript", source: `${MARK} ${filter}\n(function (record) {\n${HEAD.map((line) => `  ${line}\n`).join("")}  return ${joined};\n}(${variable}))` };
}

/** The filter that a script was made of; null for any other script. */
export function filterOfScript(script: unknown, variable: string): string | null {
  if (!isScript(script) || !script.source?.startsWith(MARK)) return null;
  const filter = script.source.slice(MARK.length + 1, script.source.indexOf("\n"));
  return scriptOfFilter(filter, variable)?.source === script.source ? filter : null;
}

/** The script alone, which from now on is changed by hand. */
export function withoutFilter(source: string): string {
  return source.startsWith(MARK) ? source.slice(source.indexOf("\n") + 1) : source;
}
