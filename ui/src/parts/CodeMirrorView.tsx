import { t } from "@lingui/core/macro";
import { autocompletion, closeBrackets, closeBracketsKeymap, completionStatus, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, repositionTooltips } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";

import type { CodeEditorProps, Variable } from "./CodeEditor";

/**
 * CodeMirror in a shadow root of its own: there its styles are adopted style sheets, where in the document they would be
 * inline styles, which the content security policy refuses. The window's colours come in as custom properties.
 */
export default function CodeMirrorView({ label, value, onChange, onLeave, language = "javascript", variables = [], invalid = false, lines = 5 }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, onLeave, variables });
  useEffect(() => {
    latest.current = { onChange, onLeave, variables };
  });

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open", delegatesFocus: true });
    const following = followCaret();
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: value,
        extensions: [
          attributes.of(contentAttributes(label, invalid)),
          height.of(theme(lines)),
          history(),
          highlightSpecialChars(),
          EditorView.lineWrapping,
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          syntaxHighlighting(colours),
          language === "json" ? json() : javascript(),
          autocompletion({
            icons: false,
            ...(language === "json" ? {} : { override: [(context: CompletionContext) => complete(context, latest.current.variables)] }),
          }),
          // Tab stays with the window, so that the keyboard gets out again.
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
          EditorState.readOnly.of(!latest.current.onChange),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !update.transactions.some((t) => t.isUserEvent("outside"))) latest.current.onChange?.(update.state.doc.toString());
          }),
          EditorView.updateListener.of((update) => following.look(update.view)),
          EditorView.domEventHandlers({ blur: () => latest.current.onLeave?.() }),
        ],
      }),
    });
    view.current = editor;
    // Keys typed into text are no shortcuts of the window, which cannot see from outside that this is text.
    const keep = (event: KeyboardEvent) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    };
    element.addEventListener("keydown", keep);
    return () => {
      element.removeEventListener("keydown", keep);
      following.end();
      editor.destroy();
      view.current = null;
    };
    // What may change while it stands is told to it below; a script does not become JSON.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [language]);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value }, userEvent: "outside" });
    }
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({ effects: [attributes.reconfigure(contentAttributes(label, invalid)), height.reconfigure(theme(lines))] });
  }, [label, invalid, lines]);

  return <div ref={host} className={`overflow-hidden rounded-sm border ${invalid ? "border-needs" : "border-line-strong"} bg-surface focus-within:outline-2 focus-within:-outline-offset-1 focus-within:outline-accent`} />;
}

/**
 * Keeps the names to choose from at the caret. What stands above the editor grows and shrinks while one types, and moves the
 * editor without CodeMirror knowing.
 */
function followCaret() {
  let frame = 0;
  let place = "";
  const next = (editor: EditorView) => {
    frame = 0;
    if (completionStatus(editor.state) === null) return;
    const { top, left } = editor.dom.getBoundingClientRect();
    // An editor that was out of sight finds out that it no longer is by measuring.
    if (place !== `${top} ${left}`) editor.requestMeasure({ read: () => undefined, write: () => repositionTooltips(editor) });
    place = `${top} ${left}`;
    look(editor);
  };
  const look = (editor: EditorView) => {
    if (frame === 0 && completionStatus(editor.state) !== null) frame = requestAnimationFrame(() => next(editor));
  };
  return { look, end: () => cancelAnimationFrame(frame) };
}

const attributes = new Compartment();
const height = new Compartment();

function contentAttributes(label: string, invalid: boolean) {
  return EditorView.contentAttributes.of({ "aria-label": label, "aria-invalid": String(invalid), autocapitalize: "off", tabindex: "0" });
}

function theme(lines: number) {
  return EditorView.theme({
    "&": { color: "var(--ink)", fontSize: "12px", backgroundColor: "var(--surface)", maxHeight: "60vh" },
    "&.cm-focused": { outline: "none" },
    ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "18px", overflow: "auto" },
    ".cm-content": { padding: "6px 0", minHeight: `${lines * 18 + 12}px`, caretColor: "var(--ink)" },
    ".cm-line": { padding: "0 8px" },
    ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 30%, transparent)" },
    "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--surface-picked)" },
    "&.cm-focused .cm-nonmatchingBracket": { color: "var(--needs)" },
    ".cm-tooltip": { backgroundColor: "var(--surface-raised)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px", boxShadow: "0 8px 30px rgb(0 0 0 / 0.22)" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", maxHeight: "200px" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "18px" },
    ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--surface-picked)", color: "var(--ink)" },
    ".cm-completionDetail": { color: "var(--ink-soft)", fontStyle: "normal", fontFamily: "var(--font-sans)" },
    ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  });
}

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null, tags.operatorKeyword], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--fine)" },
  { tag: [tags.number], color: "var(--waits)" },
  { tag: [tags.comment], color: "var(--ink-soft)", fontStyle: "italic" },
  { tag: [tags.propertyName], color: "var(--ink)" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.variableName)], color: "var(--ink)", fontWeight: "500" },
  { tag: [tags.invalid], color: "var(--needs)" },
]);

const METHODS: Completion[] = [
  ["toLowerCase()", t`small letters`],
  ["toUpperCase()", "capitals"],
  ["trim()", t`no blanks at the ends`],
  ["split(' ')", t`parts, as a list`],
  ["replace(/x/g, '')", t`with something replaced`],
  ["slice(0, 10)", t`a part`],
  ["startsWith('')", t`true or false`],
  ["includes('')", t`true or false`],
  ["length", t`how many`],
].map(([label = "", detail = ""]) => ({ label, detail, type: "method", boost: -1 }));

/** Variables of the script, what is in them, and what texts can do. */
function complete(context: CompletionContext, variables: Variable[]): CompletionResult | null {
  const path = context.matchBefore(/[\w$]+\.[\w$]*/);
  if (path) {
    const dot = path.text.indexOf(".");
    const variable = variables.find(({ name }) => name === path.text.slice(0, dot));
    const members = (variable?.members ?? []).map(({ name, detail }): Completion => ({ label: name, detail, type: "property" }));
    return { from: path.from + dot + 1, options: [...members, ...(members.length > 0 ? [] : METHODS)], validFor: /^[\w$]*$/ };
  }
  const word = context.matchBefore(/[\w$]+/);
  if (!word && !context.explicit) return null;
  const options = variables.map(({ name, detail }): Completion => ({ label: name, detail, type: "variable", boost: 1 }));
  const words = ["return", "const", "let", "if", "else", "null", "true", "false", "JSON", "Math", "Date"].map((label): Completion => ({ label, type: "keyword" }));
  return { from: word?.from ?? context.pos, options: [...options, ...words], validFor: /^[\w$]*$/ };
}
