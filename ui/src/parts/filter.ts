import { t } from "@lingui/core/macro";

/** The query filters that the builder can show: comparisons, all or any of which must hold. Everything else stays text. */

export const OPERATORS = ["pr", "absent", "eq", "ne", "co", "sw", "gt", "ge", "lt", "le"] as const;
export type Operator = (typeof OPERATORS)[number];

export const OPERATOR_WORDS: Record<Operator, string> = {
  pr: t`has a value`,
  absent: t`has no value`,
  eq: t`is`,
  ne: t`is not`,
  co: t`contains`,
  sw: t`starts with`,
  gt: t`is more than`,
  ge: t`is at least`,
  lt: t`is less than`,
  le: t`is at most`,
};

export interface Comparison {
  /** A pointer as the filter writes it, without the slash and without the variable in front. */
  attribute: string;
  operator: Operator;
  value: string;
}

export interface Group {
  join: "and" | "or";
  parts: Comparison[];
}

const PART = /^(!\s*\(\s*)?\/?([^\s()"'!]+)\s+(?:(pr)|(eq|co|sw|gt|ge|lt|le)\s+("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s()"']+))(\s*\))?(?:\s+|$)/i;

/** Reads a filter of one level; null where it is more than the builder can show. */
export function readFilter(text: string, variable: string): Group | null {
  let rest = text.trim();
  if (rest.startsWith("(") && rest.endsWith(")") && !rest.slice(1, -1).includes("(")) rest = rest.slice(1, -1).trim();
  const parts: Comparison[] = [];
  let join: "and" | "or" | undefined;
  while (rest !== "") {
    const found = PART.exec(rest);
    if (!found) return null;
    const [whole, not, pointer = "", present, comparison = "", literal, close] = found;
    if (Boolean(not) !== Boolean(close)) return null;
    const operator = (present ? "pr" : comparison.toLowerCase()) as Operator;
    if (not && operator !== "pr" && operator !== "eq") return null;
    const value = literal === undefined ? "" : literalText(literal);
    if (value === null) return null;
    parts.push({ attribute: without(pointer, variable), operator: not ? (operator === "pr" ? "absent" : "ne") : operator, value });
    rest = rest.slice(whole.length);
    if (rest === "") break;
    const next = /^(and|or)\s+/i.exec(rest);
    if (!next) return null;
    const word_between = next[1]?.toLowerCase() as "and" | "or";
    if (join && join !== word_between) return null;
    join = word_between;
    rest = rest.slice(next[0].length);
  }
  return { join: join ?? "and", parts };
}

export function writeFilter({ join, parts }: Group, variable: string): string {
  return parts
    .map(({ attribute, operator, value }) => {
      const pointer = attribute.startsWith("/") ? attribute : variable ? `/${variable}/${attribute}` : `/${attribute}`;
      if (operator === "pr") return `${pointer} pr`;
      if (operator === "absent") return `!(${pointer} pr)`;
      if (operator === "ne") return `!(${pointer} eq ${literal(value)})`;
      return `${pointer} ${operator} ${literal(value)}`;
    })
    .join(` ${join} `);
}

function without(pointer: string, variable: string): string {
  const path = pointer.replace(/^\//, "");
  if (variable === "") return path;
  return path.startsWith(`${variable}/`) ? path.slice(variable.length + 1) : `/${path}`;
}

/** A typed value as a filter writes it: numbers and the words true, false and null without quotes. */
export function literal(value: string): string {
  return /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?)$/.test(value) ? value : JSON.stringify(value);
}

/** The text that the builder shows for a literal; null where it could not write it back. */
function literalText(text: string): string | null {
  if (text.startsWith('"') || text.startsWith("'")) {
    const inner = text.startsWith("'") ? `"${text.slice(1, -1).replaceAll("\\'", "'").replaceAll(/(?<!\\)"/g, '\\"')}"` : text;
    try {
      const value: unknown = JSON.parse(inner);
      // A quoted number would come back without its quotes.
      return typeof value === "string" && literal(value).startsWith('"') ? value : null;
    } catch {
      return null;
    }
  }
  return literal(text) === text ? text : null;
}
