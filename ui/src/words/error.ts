import { t } from "@lingui/core/macro";

import type { ApiError } from "../backend/bindings/ApiError";

/** A text of the backend with names in the quotes that people read. */
export function quoted(text: string): string {
  return text.replace(/`([^`\n]*)`/g, "\u201c$1\u201d");
}

/**
 * A text of the backend as a sentence of the window: it begins with a capital letter, unless with a name, and ends with a full
 * stop, and quotes as one reads them.
 */
export function sentence(text: string): string {
  const plain = quoted(text)
    // A provider's sentence within one of the backend's.
    .replace(/([.!?]\)?);? ?; (\p{Ll})/gu, (_, end: string, letter: string) => `${end} ${letter.toUpperCase()}`)
    .trim();
  if (plain === "") return "";
  const begun = /^\p{Ll}\p{Ll}*(?=$|[ ,;:'\u2019])/u.test(plain) || /^\p{Ll} /u.test(plain) ? plain.charAt(0).toUpperCase() + plain.slice(1) : plain;
  return /[.!?\u2026][)"'\u201d\u2019]?$/u.test(begun) ? begun : `${begun}.`;
}

const MISSING = /^(?:there is no|no such):? ?([\p{L} ]+?)?:? `?([^`;]*?)`?(?:;|$)/u;
const ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** What is not there any more, with the place where those are that are. */
const GONE: Record<string, (name: string) => string> = {
  run: () => t`This run is not there any more. The runs that are there stand under Runs.`,
  mapping: goneMapping,
  connector: (name) => t`There is no connector ${name}. It may have been renamed or removed; those that are there stand under Connectors.`,
  schedule: (name) => t`There is no schedule ${name}. It may have been removed; those that are there stand under Schedules.`,
  "queue row": () => t`This change is not in the queue any more: it was delivered or discarded meanwhile.`,
};

/** Whether an error says that what was asked for is not there any more, not that something around it is missing. */
export function isGone(error: ApiError | null): boolean {
  return error?.code === "notFound" || (error?.code === "stale" && error.message.includes("it is not there"));
}

/** An error of the backend in the window's words. The one place where an error becomes a text. */
export function errorWords(error: ApiError): string {
  if (error.code === "stale") {
    const [, name] = /^mapping `([^`]*)`/.exec(error.message) ?? [];
    return isGone(error) ? (name === undefined ? gone() : goneMapping(name)) : t`This has changed meanwhile, here or elsewhere, so nothing was saved. Reload to see what is stored now.`;
  }
  if (error.code === "notFound") {
    const [, kind = "", name = ""] = MISSING.exec(error.message) ?? [];
    const words = GONE[kind];
    if (words) return words(name);
    if (ID.test(name)) return gone();
  }
  return sentence(named(error.message));
}

function goneMapping(name: string): string {
  return t`There is no mapping ${name}. It may have been renamed or removed; those that are there stand under Mappings.`;
}

function gone(): string {
  return t`This object was deleted meanwhile. Go back to the list to see those that are there.`;
}

/** What a connector says, where its name stands beside it. */
export function saidBy(text: string): string {
  return sentence(named(text.replace(NAMED, "")));
}

/** An error without the connector's name, where that stands beside it. */
export function unnamed(error: ApiError): ApiError {
  return { ...error, message: error.message.replace(NAMED, "") };
}

const NAMED = /^connector `[^`]*`: /;

/** The error of a setting beneath its field, which needs no name there. */
export function errorAtSetting(error: ApiError): string {
  const [, what] = /^(?:connector `[^`]*`: )?configurationProperties\.\w+ ((?:is|are|must|has|does|needs|uses|cannot|may) [^]*)$/.exec(withoutParser(error.message)) ?? [];
  return what === undefined ? sentence(named(error.message)) : sentence(t`This ${what}`);
}

/** A setting as people call it, not by where it stands in the document. */
function named(text: string): string {
  return withoutParser(text).replace(/\bconfigurationProperties\.(\w+)/, (_, name: string) => t`the setting ${name}`);
}

/** What the reader of an address says of it helps nobody who types one. */
function withoutParser(text: string): string {
  return text.replace(/(is not an address) \([^()]*\)/, "$1");
}
