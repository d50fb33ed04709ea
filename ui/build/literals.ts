import { type NodePath, parseSync, traverse, types as t } from "@babel/core";

/** Properties of elements and of objects whose text is shown or read out. */
const SHOWN = new Set(
  "none title aria-label aria-valuetext aria-description aria-roledescription placeholder alt label help legend saveLabel undoLabel text said mark description heading problem meaning verb means missing".split(" "),
);

/** Properties of elements whose text is never shown. */
const HIDDEN =
  /^(className|style|d|to|go|icon|look|tone|key|id|type|role|search|autoComplete|inputMode|variables?|transform|viewBox|placement|dir|scope|params|value|htmlFor|slot|stroke.*|fill|href|tab|language|at|live|data-.*|aria-(expanded|live|busy|hidden|current|describedby|labelledby|controls|haspopup|keyshortcuts))$/;

/** Callees whose arguments are names, addresses or patterns. */
const NAMES = /^(ask|call|refresh|createRoute|useErrors|document\.querySelector|Object\.defineProperty|.*\.(addEventListener|removeEventListener|querySelector|querySelectorAll|closest|matches|includes|startsWith|endsWith|split|getItem|setItem|removeItem|get|has)|new (URL|RegExp|Intl\..*|Error))$/;

/** What is said as it is in every language: names, keys, and examples of what one types. */
const KEPT = new Set(["Concord", "HubSpot", "Salesforce", "SCIM", "JSON", "CSV", "OpenAPI", "Enter", "Escape", "Tab", "Home", "End", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "X-Api-Key", "Order__c", "okta", "Math", "Date", "${} pr", "property ${}", "columns ${}"]);

/** Texts in a program that a person would see or hear and that do not come from the catalogue, as "file:line: text". */
export function forgotten(sources: Record<string, string>): string[] {
  return Object.entries(sources).flatMap(([file, source]) => {
    const found: string[] = [];
    const ast = parseSync(source, { filename: file, configFile: false, babelrc: false, parserOpts: { plugins: file.endsWith("x") ? ["typescript", "jsx"] : ["typescript"] } });
    const report = (node: t.Node, text: string) => found.push(`${file}:${node.loc?.start.line ?? 0}: ${text.trim()}`);
    if (!ast) throw new Error(`${file} cannot be read`);
    traverse(ast, {
      enter(path) {
        if (path.isImportDeclaration() || path.isTSType() || path.isTSInterfaceDeclaration() || path.isTSTypeAliasDeclaration() || path.isTSModuleDeclaration() || isMessage(path)) path.skip();
        else if (path.isJSXText()) {
          if (says(path.node.value) && !isCode(path)) report(path.node, path.node.value);
        } else if (path.isStringLiteral() || path.isTemplateLiteral()) {
          const text = textOf(path);
          if (isShown(path, text)) report(path.node, text);
        }
      },
    });
    return found;
  });
}

/** A macro of the catalogue: what is in it is a message. Elements within a message are looked at for themselves. */
function isMessage(path: NodePath): boolean {
  if (path.isTaggedTemplateExpression()) return t.isIdentifier(path.node.tag, { name: "t" }) && path.node.quasi.expressions.every((part) => !holdsText(part));
  if (path.isCallExpression()) return t.isIdentifier(path.node.callee) && ["plural", "select", "t"].includes(path.node.callee.name);
  if (path.isJSXElement()) return t.isJSXIdentifier(path.node.openingElement.name) && ["Plural", "Select"].includes(path.node.openingElement.name.name);
  if (path.isJSXText()) return path.findParent((above) => above.isJSXElement() && t.isJSXIdentifier(above.node.openingElement.name, { name: "Trans" })) !== null;
  return false;
}

/** Whether a part of a message holds a text of its own, which then may be one that was forgotten. */
function holdsText(node: t.Node): boolean {
  return t.isStringLiteral(node) || t.isTemplateLiteral(node) || t.isConditionalExpression(node) || t.isLogicalExpression(node);
}

function textOf(path: NodePath<t.StringLiteral> | NodePath<t.TemplateLiteral>): string {
  return t.isStringLiteral(path.node) ? path.node.value : path.node.quasis.map((part) => part.value.cooked ?? "").join("${}");
}

function says(text: string): boolean {
  return /\p{L}/u.test(text) && !KEPT.has(text.trim());
}

function isCode(path: NodePath): boolean {
  return path.findParent((above) => above.isJSXElement() && t.isJSXIdentifier(above.node.openingElement.name) && ["code", "pre"].includes(above.node.openingElement.name.name)) !== null;
}

function isShown(path: NodePath<t.StringLiteral> | NodePath<t.TemplateLiteral>, text: string): boolean {
  if (!says(text) || isName(path)) return false;
  const element = path.findParent((above) => above.isJSXAttribute() || above.isJSXElement() || above.isFunction());
  const attribute = element?.isJSXAttribute() ? String(element.node.name.name) : "";
  if (HIDDEN.test(attribute)) return false;
  if (isOfWords(path)) return true;
  const place = placeOf(path);
  if (place === "child") return !isClasses(text);
  if (place === "part") return /\p{L}{2}/u.test(text) && !isClasses(text);
  if (place === "announced" || SHOWN.has(place)) return !isClasses(text) && !/^[a-z]+:|^\//.test(text);
  return isProse(text);
}

/** A value of an object that holds the words for something, by its name. */
function isOfWords(path: NodePath): boolean {
  if (!path.parentPath?.isObjectProperty() || path.key !== "value") return false;
  const holder = path.findParent((above) => above.isVariableDeclarator() || above.isFunction());
  return holder?.isVariableDeclarator() === true && t.isIdentifier(holder.node.id) && holder.node.id.name.endsWith("_WORDS");
}

/** Compared, imported, a key, a case, or handed to something that takes a name. */
function isName(path: NodePath): boolean {
  const { parent } = path;
  if (path.parentPath?.isTaggedTemplateExpression()) return t.isIdentifier(path.parentPath.node.tag, { name: "t" });
  if (t.isBinaryExpression(parent)) return parent.operator !== "+";
  if (t.isSwitchCase(parent) || t.isTSLiteralType(parent) || t.isExportNamedDeclaration(parent) || t.isMemberExpression(parent) || t.isOptionalMemberExpression(parent)) return true;
  if (t.isObjectProperty(parent)) return parent.key === path.node;
  if (t.isCallExpression(parent) || t.isOptionalCallExpression(parent) || t.isNewExpression(parent)) {
    const callee = path.parentPath?.get("callee");
    const name = callee && !Array.isArray(callee) ? `${t.isNewExpression(parent) ? "new " : ""}${callee.toString().replaceAll("?.", ".")}` : "";
    // The first argument of an edit is its key; the second one is shown.
    return NAMES.test(name) || (name.endsWith(".edit") && parent.arguments[0] === path.node);
  }
  return false;
}

/** The property that a text ends up in, "child" for the text of an element, "part" for one of several pieces, "announced" for what is read out. */
function placeOf(path: NodePath): string {
  let at: NodePath = path;
  while (at.parentPath && ((at.parentPath.isConditionalExpression() && at.key !== "test") || at.parentPath.isLogicalExpression() || at.parentPath.isTSAsExpression() || at.parentPath.isBinaryExpression({ operator: "+" }))) at = at.parentPath;
  const { parentPath } = at;
  if (parentPath?.isTemplateLiteral() && at !== path && textOf(parentPath).includes(" ") && !/[(){}=]/.test(textOf(parentPath).replaceAll("${}", ""))) return "part";
  if (parentPath?.isObjectProperty()) return t.isIdentifier(parentPath.node.key) ? parentPath.node.key.name : t.isStringLiteral(parentPath.node.key) ? parentPath.node.key.value : "";
  if (parentPath?.isJSXAttribute()) return String(parentPath.node.name.name);
  if (parentPath?.isJSXExpressionContainer()) return parentPath.parentPath.isJSXAttribute() ? String(parentPath.parentPath.node.name.name) : "child";
  if (parentPath?.isCallExpression() && t.isIdentifier(parentPath.node.callee, { name: "announce" })) return "announced";
  return "";
}

/** Words with blanks between them, or one word that begins with a capital; not styles, paths, or code. */
function isProse(text: string): boolean {
  const words = text.replaceAll("${}", "").trim();
  if (!/\p{L}{2}/u.test(words) || isClasses(text) || /^(ctrl|alt)\b/i.test(words) === false && /^M-?\d/.test(words)) return false;
  if (!/\s/.test(text.trim())) return /^\p{Lu}\p{Ll}+[.?!]?$/u.test(words);
  return !/[{}<>=[\]]|\dpx|^\d+px|var\(|rgb\(|color-mix|\(.*\)$|^\W*\w+ (pr|eq)\b/.test(words);
}

const CLASS =
  /^(-?(m|p)[xytblrse]?|w|h|min-[wh]|max-[wh]|gap|bg|border|rounded|text|font|grid|size|top|left|right|z|tracking|whitespace|break|overflow|shrink|divide|inset|translate|opacity|cursor|list|leading|items|self|justify|col|row|grow|shadow|animate|flex|hover:|data-\[|last:|first:|peer|group|sm:|md:|lg:|focus|max-\[|outline|transition|underline)(-.*|:.*|!|\[.*|.*:.*|)$|^(sr-only|truncate|relative|absolute|field|hidden|contents|uppercase|block|rows|number|mono|quiet)!?$/;

function isClasses(text: string): boolean {
  const words = text.replaceAll("${}", "").trim().split(/\s+/);
  return words.every((word) => /^[a-z-]/.test(word) && !/[.?,!]$/.test(word.replace(/!$/, ""))) && words.some((word) => CLASS.test(word) && /[-:[]|^(flex|truncate|field|hidden|relative|absolute|contents|underline|block)$/.test(word));
}
