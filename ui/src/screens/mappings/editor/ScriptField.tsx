import { Trans } from "@lingui/react/macro";

import { CodeEditor } from "../../../parts/CodeEditor";
import { Notice } from "../../../parts/Problem";
import { isScript, type Script, script, scriptText } from "./document";
import { useEditor, useVariables } from "./EditorContext";

/** A script of the mapping, with the variables that it sees. */
export function ScriptField({ label, value, variables, errors = [], help, lines = 5, onChange }: {
  label: string;
  value: Script | undefined;
  variables: string[];
  errors?: string[];
  help?: string;
  lines?: number;
  onChange: (value: Script) => void;
}) {
  const { draft } = useEditor();
  const known = useVariables(variables);
  const foreign = isScript(value) && value.type !== "text/javascript" ? value.type : null;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <span aria-hidden="true" className="text-sm text-soft">
        {label}
      </span>
      {isScript(value) && value.file !== undefined && value.source === undefined && (
        <Notice tone="waits">
          <Trans>The text is in the file <bdi className="font-mono">{value.file}</bdi> of an IDM project, which is not here. What you type takes its place.</Trans>
        </Notice>
      )}
      {foreign && (
        <Notice tone="waits">
          <Trans><bdi className="font-mono">{foreign}</bdi> is kept but cannot run here; only text/javascript can.</Trans>
        </Notice>
      )}
      <CodeEditor label={label} value={scriptText(value)} variables={known} invalid={errors.length > 0} lines={lines} onChange={(text) => onChange(script(text, value))} onLeave={draft.seal} />
      {errors.length > 0 && (
        <p role="alert" className="text-sm break-words text-needs">
          {errors.join(" ")}
        </p>
      )}
      <p className="text-sm text-soft">
        {help && <>{help} </>}
        <Trans>
          Sees <Names names={variables} />.
        </Trans>
      </p>
    </div>
  );
}

function Names({ names }: { names: string[] }) {
  return names.map((name, index) => (
    <span key={name}>
      {index > 0 && ", "}
      <code className="font-mono">{name}</code>
    </span>
  ));
}
