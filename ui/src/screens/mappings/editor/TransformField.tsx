import { t } from "@lingui/core/macro";

import { Button, IconButton } from "../../../parts/Button";
import { Field, SelectField, Switch, TextField } from "../../../parts/Field";
import { Suggest } from "../../../parts/Suggest";
import { isObject, isScript, type Property, removed, replaced, withKey } from "./document";
import { useEditor } from "./EditorContext";
import { ScriptField } from "./ScriptField";
import { type Argument, BUILT_INS, builtInWords, type Step, stepsOf, transformOf } from "./transforms";

const SCRIPT = "script";

/** What happens to a value on its way: steps, each of which gets what the one before gave. */
export function TransformField({ value, whole, errors, onChange }: { value: Property["transform"]; whole: boolean; errors: string[]; onChange: (value: Property["transform"]) => void }) {
  const steps = stepsOf(value);
  const write = (next: Step[]) => onChange(transformOf(next));
  return (
    <div className="flex min-w-0 flex-col gap-2">
      {steps.map((step, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="flex flex-col gap-2 border-l-2 border-line pl-3">
          <div className="flex items-start gap-1.5">
            <div className="min-w-0 flex-1">
              <StepSelect label={steps.length > 1 ? t`Step ${index + 1}` : t`Transform`} step={step} onChange={(next) => write(replaced(steps, index, next))} />
            </div>
            <IconButton icon="close" label={steps.length > 1 ? t`Remove step ${index + 1}` : t`Remove transform`} className="mt-6.5" onClick={() => write(removed(steps, index))} />
          </div>
          {isScript(step) ? (
            <ScriptField
              label={t`Transformation script`}
              value={step}
              variables={["source", "linkQualifier"]}
              errors={errors}
              help={whole && index === 0 ? t`The whole source record comes in; the value goes out.` : t`A value comes in, a value goes out.`}
              onChange={(next) => write(replaced<Step>(steps, index, next))}
            />
          ) : (
            (builtInWords(String(step["builtIn"]))?.arguments ?? []).map((argument) => (
              <ArgumentField key={argument.name} argument={argument} value={step[argument.name]} onChange={(next) => write(replaced<Step>(steps, index, withKey(step, argument.name, next)))} />
            ))
          )}
        </div>
      ))}
      {errors.length > 0 && !steps.some(isScript) && (
        <p role="alert" className="text-sm break-words text-needs">
          {errors.join(" ")}
        </p>
      )}
      <Button look="quiet" icon="plus" className="-ml-2.5 self-start" onClick={() => write([...steps, steps.length === 0 ? { builtIn: "trim" } : { builtIn: "lower" }])}>
        {steps.length === 0 ? t`Add transform` : t`Add step`}
      </Button>
    </div>
  );
}

function StepSelect({ label, step, onChange }: { label: string; step: Step; onChange: (step: Step) => void }) {
  const name = isScript(step) ? SCRIPT : String(step["builtIn"]);
  const words = builtInWords(name);
  return (
    <Field label={label} help={words?.help}>
      {(props) => (
        <select
          className="field"
          value={name}
          onChange={(event) => {
            const next = event.target.value;
            onChange(next === SCRIPT ? { type: "text/javascript", source: "source" } : { builtIn: next, ...builtInWords(next)?.start });
          }}
          {...props}
        >
          {!words && name !== SCRIPT && <option value={name}>{name}</option>}
          {BUILT_INS.map((known) => (
            <option key={known.name} value={known.name}>
              {known.label}
            </option>
          ))}
          <option value={SCRIPT}>{t`Script`}</option>
        </select>
      )}
    </Field>
  );
}

function ArgumentField({ argument, value, onChange }: { argument: Argument; value: unknown; onChange: (value: unknown) => void }) {
  const { label, help, required } = argument;
  const { draft } = useEditor();
  switch (argument.kind) {
    case "switch":
      return <Switch label={label} help={help} checked={value === true} onChange={(checked) => onChange(checked || undefined)} />;
    case "choice":
      return <SelectField label={label} help={help} value={typeof value === "string" ? value : (argument.choices?.[0] ?? "")} options={argument.choices ?? []} onChange={onChange} />;
    case "number":
      return (
        <TextField
          label={label}
          help={help}
          required={required}
          inputMode="numeric"
          value={value === undefined ? "" : String(value)}
          onBlur={draft.seal}
          onChange={(text) => onChange(text.trim() === "" ? undefined : Number.isInteger(Number(text)) ? Number(text) : text)}
        />
      );
    case "json":
      return <ValueField label={label} help={help} required={required} value={value} onChange={onChange} />;
    case "parts":
      return <PartsField label={label} value={value} onChange={onChange} />;
    case "values":
      return <ValuesField label={label} value={value} onChange={onChange} />;
    case "text":
      return <TextField label={label} help={help} required={required} value={typeof value === "string" ? value : value === undefined ? "" : String(value)} onBlur={draft.seal} onChange={(text) => onChange(text === "" && !required ? undefined : text)} />;
  }
}

/** A value as people type it: a number, true, false and JSON are what they look like, everything else is text. */
export function ValueField({ label, help, required, value, onChange }: { label: string; help?: string; required?: boolean; value: unknown; onChange: (value: unknown) => void }) {
  const { draft } = useEditor();
  const text = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  const kind = value === undefined || typeof value === "string" ? "" : Array.isArray(value) ? t`a list` : value === null ? "null" : typeof value === "object" ? t`an object` : `a ${typeof value}`;
  return (
    <TextField
      label={label}
      required={required}
      help={[help, kind && t`Is ${kind}.`].filter(Boolean).join(" ") || undefined}
      value={text}
      onBlur={draft.seal}
      onChange={(typed) => onChange(typed === "" ? undefined : typedValue(typed))}
    />
  );
}

function typedValue(text: string): unknown {
  if (!/^(true|false|-?(0|[1-9]\d*)(\.\d+)?|\[.*\]|\{.*\})$/s.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function PartsField({ label, value, onChange }: { label: string; value: unknown; onChange: (value: unknown) => void }) {
  const { source, draft } = useEditor();
  const parts = Array.isArray(value) ? value.filter(isObject) : [];
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1 text-sm text-soft">{label}</legend>
      {parts.map((part, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="grid grid-cols-[92px_minmax(0,1fr)_24px] items-center gap-1.5">
          <select
            className="field"
            aria-label={t`Kind of part ${index + 1}`}
            value={"attribute" in part ? "attribute" : "text"}
            onChange={(event) => onChange(replaced(parts, index, { [event.target.value]: "" }))}
          >
            <option value="attribute">{t`attribute`}</option>
            <option value="text">{t`text`}</option>
          </select>
          {"attribute" in part ? (
            <Suggest hideLabel label={t`Part ${index + 1}`} value={String(part["attribute"])} options={source.suggestions} onChange={(name) => onChange(replaced(parts, index, { attribute: name }))} onLeave={draft.seal} />
          ) : (
            <input className="field" aria-label={t`Part ${index + 1}`} value={String(part["text"] ?? "")} onChange={(event) => onChange(replaced(parts, index, { text: event.target.value }))} onBlur={draft.seal} />
          )}
          <IconButton icon="close" label={t`Remove part ${index + 1}`} onClick={() => onChange(removed(parts, index))} />
        </div>
      ))}
      <Button look="quiet" icon="plus" className="-ml-2.5 self-start" onClick={() => onChange([...parts, { attribute: "" }])}>
        {t`Add part`}
      </Button>
    </fieldset>
  );
}

function ValuesField({ label, value, onChange }: { label: string; value: unknown; onChange: (value: unknown) => void }) {
  const { draft } = useEditor();
  const entries = isObject(value) ? Object.entries(value) : [];
  const write = (next: [string, unknown][]) => onChange(Object.fromEntries(next));
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1 text-sm text-soft">{label}</legend>
      {entries.map(([from, to], index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="grid grid-cols-[minmax(0,1fr)_16px_minmax(0,1fr)_24px] items-center gap-1.5">
          <input className="field" aria-label={t`Value ${index + 1} from the source`} value={from} onChange={(event) => write(replaced(entries, index, [event.target.value, to]))} onBlur={draft.seal} />
          <span aria-hidden="true" className="text-soft">
            {"\u2192"}
          </span>
          <input className="field" aria-label={t`Value ${index + 1} for the target`} value={typeof to === "string" ? to : JSON.stringify(to)} onChange={(event) => write(replaced(entries, index, [from, typedValue(event.target.value)]))} onBlur={draft.seal} />
          <IconButton icon="close" label={t`Remove value ${index + 1}`} onClick={() => write(removed(entries, index))} />
        </div>
      ))}
      <Button look="quiet" icon="plus" className="-ml-2.5 self-start" disabled={entries.some(([from]) => from === "")} onClick={() => write([...entries, ["", ""]])}>
        {t`Add value`}
      </Button>
    </fieldset>
  );
}
