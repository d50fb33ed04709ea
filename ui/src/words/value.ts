import { t } from "@lingui/core/macro";

/** A value from outside as one line of text, as it stands in "before -> after". */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return t`empty`;
  if (typeof value === "string") return JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

/** A value as it stands in a table cell: no quotes around text, nothing for nothing. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return yesNo(value);
  return JSON.stringify(value) ?? String(value);
}

/** A long id as people compare them: its beginning and its end. */
export function shortId(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 4)}\u2026${id.slice(-4)}`;
}

export function yesNo(value: boolean): string {
  return value ? t`yes` : t`no`;
}
