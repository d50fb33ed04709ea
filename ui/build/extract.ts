import { type NodePath, transformSync, types as t } from "@babel/core";

import type { Entry } from "../src/locales/po.ts";
import { macro } from "./messages.ts";

/** The messages of a program, `sources` being its files by path, in the order of the paths and of the text. */
export function extracted(sources: Record<string, string>): Entry[] {
  const all = new Map<string, Entry>();
  for (const file of Object.keys(sources).toSorted()) {
    for (const found of messagesOf(file, sources[file] ?? "")) {
      const key = JSON.stringify([found.english, found.context]);
      const known = all.get(key);
      if (!known) all.set(key, found);
      else {
        known.from = [...new Set([...known.from, file])];
        known.notes = [...new Set([...known.notes, ...found.notes])];
      }
    }
  }
  return [...all.values()];
}

function messagesOf(file: string, source: string): Entry[] {
  if (!source.includes("@lingui/")) return [];
  const found: Entry[] = [];
  transformSync(source, {
    filename: file,
    configFile: false,
    babelrc: false,
    parserOpts: { plugins: ["typescript", "jsx"] },
    plugins: [macro(true), { visitor: { Program: { exit: (program: NodePath<t.Program>) => program.traverse({ ObjectExpression: (path) => { found.push(...messageIn(path.node, file, source)); } }) } } }],
  });
  return found;
}

/** The macros mark every message that they make by a comment. */
function messageIn(node: t.ObjectExpression, file: string, source: string): Entry[] {
  if (!node.leadingComments?.some(({ value }) => value.trim() === "i18n")) return [];
  const english = textOf(field(node, "message"));
  if (english === undefined) throw new Error(`${file}: a message whose words are not in the source`);
  const comment = textOf(field(node, "comment"));
  return [{ english, context: textOf(field(node, "context")) ?? "", words: "", from: [file], notes: [...(comment === undefined ? [] : [comment]), ...placeholders(field(node, "values"), source)] }];
}

/** "{0}: number(total)", for placeholders that have no name of their own. */
function placeholders(values: t.Node | undefined, source: string): string[] {
  if (!t.isObjectExpression(values)) return [];
  return values.properties.flatMap((property) => {
    if (!t.isObjectProperty(property) || !t.isNumericLiteral(property.key)) return [];
    const { start, end } = property.value;
    const words = typeof start === "number" && typeof end === "number" ? source.slice(start, end).replace(/\s+/g, " ") : "";
    return words === "" ? [] : [`{${property.key.value}}: ${words}`];
  });
}

function field(node: t.ObjectExpression, name: string): t.Node | undefined {
  const found = node.properties.find((property) => t.isObjectProperty(property) && t.isIdentifier(property.key, { name }));
  return t.isObjectProperty(found) ? found.value : undefined;
}

function textOf(node: t.Node | undefined): string | undefined {
  if (t.isStringLiteral(node)) return node.value;
  return t.isTemplateLiteral(node) && node.expressions.length === 0 ? (node.quasis[0]?.value.cooked ?? undefined) : undefined;
}
