import { t } from "@lingui/core/macro";

import { CodeEditor } from "../../../parts/CodeEditor";
import { readDocument } from "../document";
import type { Doc } from "./document";
import { useEditor } from "./EditorContext";

/** What was typed over the document and is not read yet, or cannot be. */
export interface Typed {
  text: string;
  problem: string | null;
}

/** The mapping as the document that it is stored and exchanged as; what is typed here is the same draft. */
export function JsonTab({ typed, onTyped }: { typed: Typed | null; onTyped: (typed: Typed | null) => void }) {
  const { doc, draft, name } = useEditor();
  const problem = typed?.problem ?? null;

  function read(text: string) {
    const read = readOne(text, name);
    onTyped({ text, problem: "problem" in read ? read.problem : null });
    if ("config" in read) draft.edit("json", t`document`, () => read.config);
  }

  return (
    <div className="flex max-w-4xl flex-col gap-1 px-6 py-5">
      <span aria-hidden="true" className="text-sm text-soft">
        {t`Mapping document`}
      </span>
      <CodeEditor
        label={t`Mapping document`}
        language="json"
        lines={30}
        value={typed?.text ?? JSON.stringify(doc, null, 2)}
        invalid={problem !== null}
        onChange={read}
        onLeave={() => {
          draft.seal();
          // What could be read is shown as it is stored.
          if (problem === null) onTyped(null);
        }}
      />
      {problem && (
        <p role="alert" className="text-sm text-needs">
          {problem}
        </p>
      )}
      <p className="text-sm text-soft">{t`One element of IDM's sync.json. Keys that no screen shows are kept.`}</p>
    </div>
  );
}

function readOne(text: string, name: string): { config: Doc } | { problem: string } {
  const document = readDocument(text);
  if ("problem" in document) return document;
  const [config, ...more] = document.configs;
  if (!config || more.length > 0) return { problem: t`This page holds one mapping. Add the others under Mappings, New mapping.` };
  if (config["name"] !== name) return { problem: t`The name stays ${name}: links and runs belong to it.` };
  return { config };
}
