import { lazy, Suspense } from "react";

/** A variable that a script sees, and what is known to be in it. */
export interface Variable {
  name: string;
  detail: string;
  members?: { name: string; detail: string }[];
}

export interface CodeEditorProps {
  /** What the text is, for those who do not see where it stands. */
  label: string;
  value: string;
  onChange?: (value: string) => void;
  /** Called when the editor loses the focus. */
  onLeave?: () => void;
  language?: "javascript" | "json";
  variables?: Variable[];
  invalid?: boolean;
  /** Lines that are shown at least. */
  lines?: number;
}

// The editor is the window's biggest part by far, and the first screen has none.
const CodeMirrorView = lazy(() => import("./CodeMirrorView"));

/** Text of a program, with colours, brackets that close and names to choose from. */
export function CodeEditor(props: CodeEditorProps) {
  const height = (props.lines ?? 5) * 18 + 14;
  return (
    <Suspense fallback={<div aria-hidden="true" className="animate-pulse-soft rounded-sm border border-line bg-sunken" style={{ height }} />}>
      <CodeMirrorView {...props} />
    </Suspense>
  );
}
