import type { Messages } from "@lingui/core";
import { type CompiledMessage, compileMessageOrThrow } from "@lingui/message-utils/compileMessage";
import { generateMessageId } from "@lingui/message-utils/generateMessageId";

import type { Entry } from "./po.ts";

/** The messages as the window uses them, by id. What nobody has translated yet is said in English; `spelled` may change the letters. */
export function compiled(entries: Entry[], spelled?: (words: string) => string): Messages {
  return Object.fromEntries(entries.map((entry) => [generateMessageId(entry.english, entry.context), tokens(entry, spelled)]));
}

function tokens({ english, words, from }: Entry, spelled?: (words: string) => string): CompiledMessage {
  try {
    return compileMessageOrThrow(words || english, spelled);
  } catch (thrown) {
    throw new Error(`The message "${english}" (${from.join(", ")}) is not valid: ${String(thrown)}. Look at its braces and plurals.`, { cause: thrown });
  }
}

/** The messages that the source holds now, each with the words that `before` has for it. */
export function brought(source: Entry[], before: Entry[]): Entry[] {
  const words = new Map(before.map((entry) => [key(entry), entry.words]));
  return source.map((entry) => ({ ...entry, words: words.get(key(entry)) ?? "" }));
}

function key({ english, context }: Entry): string {
  return JSON.stringify([english, context]);
}
