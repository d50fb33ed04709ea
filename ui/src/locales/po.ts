/** One message of a catalogue. */
export interface Entry {
  /** The English words, in ICU's message format. */
  english: string;
  /** What tells apart two messages of the same English words. */
  context: string;
  /** The words of the catalogue's language; empty while nobody has written them. */
  words: string;
  /** The files of the source that say it. */
  from: string[];
  /** What stands in for a numbered placeholder, and what the source says to translators. */
  notes: string[];
}

const HEAD = (language: string) => `msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n"Language: ${language}\\n"\n`;

/** A catalogue as the text of a PO file. */
export function writePo(language: string, entries: Entry[]): string {
  return [HEAD(language), ...entries.map(entryText)].join("\n");
}

function entryText({ english, context, words, from, notes }: Entry): string {
  return [
    ...notes.map((note) => `#. ${note}`),
    ...from.map((file) => `#: ${file}`),
    ...(context === "" ? [] : [`msgctxt ${quoted(context)}`]),
    `msgid ${quoted(english)}`,
    `msgstr ${quoted(words)}`,
    "",
  ].join("\n");
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n").replace(/\t/g, "\\t")}"`;
}

const FIELD = /^(?:(msgctxt|msgid|msgstr) )?"((?:[^"\\]|\\.)*)"$/;

/**
 * The messages of a PO file, as any editor of such files writes them: long texts may be spread over several lines, and
 * what a tool adds (flags, former words, entries that it has retired) is passed over. A message marked as fuzzy is a
 * guess of a tool and counts as not written.
 */
export function readPo(text: string): Entry[] {
  return text
    .replace(/\r\n/g, "\n")
    .split(/\n{2,}/)
    .map(readEntry)
    .filter((entry) => entry.english !== "");
}

function readEntry(block: string): Entry {
  const fields = { msgctxt: "", msgid: "", msgstr: "" };
  const entry: Entry = { english: "", context: "", words: "", from: [], notes: [] };
  let field: keyof typeof fields = "msgid";
  let fuzzy = false;
  for (const line of block.split("\n")) {
    if (line.startsWith("#. ")) entry.notes.push(line.slice(3));
    else if (line.startsWith("#: ")) entry.from.push(...line.slice(3).split(" "));
    else if (line.startsWith("#,")) fuzzy ||= line.includes("fuzzy");
    const found = FIELD.exec(line);
    if (!found) continue;
    field = (found[1] as keyof typeof fields | undefined) ?? field;
    fields[field] += unquoted(found[2] ?? "");
  }
  return { ...entry, english: fields.msgid, context: fields.msgctxt, words: fuzzy ? "" : fields.msgstr };
}

function unquoted(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => ({ n: "\n", t: "\t", r: "\r" })[character] ?? character);
}
