import { type Doc, isObject, isScript, type Script, type Tree, withKey } from "./document";

export type Rule = { kind: "none" } | { kind: "tree"; tree: Tree } | { kind: "query"; script: Script } | { kind: "ids"; script: Script };

const DEFAULT = "default";

interface Entry extends Record<string, unknown> {
  linkQualifier?: string;
}

function entriesOf(doc: Doc): Entry[] {
  const value = doc["correlationQuery"];
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

function isFor(entry: Entry, qualifier: string): boolean {
  return (entry.linkQualifier ?? DEFAULT) === qualifier;
}

/** The rule of a link qualifier: the last of its entries, which is the one that counts. */
export function ruleOf(doc: Doc, qualifier: string): Rule {
  const ids = doc["correlationScript"];
  if (isScript(ids)) return { kind: "ids", script: ids };
  const entry = entriesOf(doc).findLast((candidate) => isFor(candidate, qualifier));
  if (!entry) return { kind: "none" };
  const tree = entry["expressionTree"];
  if (isTree(tree)) return { kind: "tree", tree };
  return { kind: "query", script: entry as unknown as Script };
}

/** The document with another rule for a link qualifier. A script that names ids is for all qualifiers. */
export function withRule(doc: Doc, qualifier: string, rule: Rule): Doc {
  if (rule.kind === "ids") return withKey(withKey(doc, "correlationQuery", undefined), "correlationScript", rule.script);
  const base = withKey(doc, "correlationScript", undefined);
  const entries = entriesOf(base);
  const index = entries.findLastIndex((candidate) => isFor(candidate, qualifier));
  const old = index >= 0 ? entries[index] : undefined;
  const entry = entryOf(qualifier, rule, old);
  const next = entry === null ? entries.filter((candidate) => !isFor(candidate, qualifier)) : index >= 0 ? entries.map((candidate, i) => (i === index ? entry : candidate)) : [...entries, entry];
  return withKey(base, "correlationQuery", next.length === 0 ? undefined : next);
}

function entryOf(qualifier: string, rule: Rule, old: Entry | undefined): Entry | null {
  if (rule.kind === "tree") {
    // IDM finds the rule of a tree in this file of its own.
    const kept = old && "expressionTree" in old ? old : { linkQualifier: qualifier, type: "text/javascript", file: "ui/correlateTreeToQueryFilter.js" };
    return { ...kept, linkQualifier: qualifier, expressionTree: rule.tree };
  }
  if (rule.kind === "query") return { ...rule.script, linkQualifier: qualifier };
  return null;
}

export function isTree(value: unknown): value is Tree {
  if (typeof value === "string") return true;
  if (!isObject(value)) return false;
  const parts = value["any"] ?? value["all"];
  return Array.isArray(parts) && parts.every(isTree);
}

export function groupOf(tree: Tree): { join: "any" | "all"; parts: Tree[] } {
  if (typeof tree === "string") return { join: "all", parts: [tree] };
  return "any" in tree ? { join: "any", parts: tree.any } : { join: "all", parts: tree.all };
}

export function treeOf(join: "any" | "all", parts: Tree[]): Tree {
  return join === "any" ? { any: parts } : { all: parts };
}
