import { t } from "@lingui/core/macro";
import { useEffect, useRef } from "react";

import { Field, Switch, TextField } from "../../../parts/Field";
import { Section } from "../../../parts/Page";
import { Explained } from "./AssociationTab";
import { flagOf, isObject, textOf, withKey } from "./document";
import { useEditor, useErrors } from "./EditorContext";
import { AMOUNTS, GUARDS, isNoNumber, numberOr } from "./numbers";

const FLAGS: { name: string; fallback: boolean; label: string; help: string }[] = [
  { name: "runTargetPhase", fallback: true, label: t`Look at target records that no source record accounts for`, help: t`Without it, records that are gone from the source are not noticed.` },
  { name: "allowEmptySourceSet", fallback: false, label: t`Believe an empty source`, help: t`Off, a run over a source without any record ends before it deletes everything.` },
  { name: "correlateEmptyTargetSet", fallback: false, label: t`Compare even if the target had no record when the run began`, help: t`Only of use where records appear in the target during the run.` },
  { name: "enableLinking", fallback: true, label: t`Keep links`, help: t`Without links the matching rule decides anew in every run.` },
  { name: "sourceIdsCaseSensitive", fallback: true, label: t`Ids of the source differ in case`, help: t`Off, \`A1\` and \`a1\` are one record.` },
  { name: "targetIdsCaseSensitive", fallback: true, label: t`Ids of the target differ in case`, help: t`Off, \`A1\` and \`a1\` are one record.` },
];

const CONFLICT: [string, string][] = [
  ["", t`the source wins, as in IDM`],
  ["target", t`the target wins`],
  ["sourceUnlessBlank", t`the source wins, unless it is blank`],
  ["newest", t`the side that was changed last wins`],
  ["ask", t`a person decides; until then neither is written`],
];

/** Limits, and how a run treats its two sides. With `seek`, the keyboard goes to the first number that is none, once. */
export function AdvancedTab({ seek, onSought }: { seek: boolean; onSought: () => void }) {
  const { doc, draft } = useEditor();
  const part = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!seek) return;
    part.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
    onSought();
  }, [seek, onSought]);
  const errors = useErrors("guards");
  const guards = isObject(doc["guards"]) ? doc["guards"] : {};
  const put = (key: string, label: string) => (value: unknown) => draft.edit(key, label, (old) => withKey(old, key, value));

  function guard(name: string, label: string, text: string) {
    const value = numberOr(text);
    const next = withKey(guards, name, value);
    draft.edit(`guards ${name}`, label, (old) => withKey(old, "guards", Object.keys(next).length === 0 ? undefined : next));
  }

  return (
    <div ref={part} className="max-w-3xl px-6 py-5">
      <Section title={t`Guards`}>
        <Explained>{t`They count over the whole plan, before the first write. A run that goes beyond is held until a person releases it.`}</Explained>
        <div className="grid grid-cols-2 gap-x-6 gap-y-4">
          {GUARDS.map(({ name, label, help }) => (
            <NumberField key={name} label={label} help={help} value={guards[name]} onBlur={draft.seal} onChange={(text) => guard(name, label.toLowerCase(), text)} />
          ))}
        </div>
        {errors.length > 0 && (
          <p role="alert" className="mt-2 text-sm text-needs">
            {errors.join(" ")}
          </p>
        )}
      </Section>
      <Section title={t`Paging and threads`}>
        <div className="grid grid-cols-2 gap-x-6 gap-y-4">
          {AMOUNTS.map(({ name, label, help }) => (
            <NumberField key={name} whole label={label} help={help} value={doc[name]} onBlur={draft.seal} onChange={(text) => put(name, label.toLowerCase())(numberOr(text))} />
          ))}
        </div>
      </Section>
      <Section title={t`Conflicts`}>
        <div className="max-w-100">
          <Field label={t`An attribute that changed on both sides`} help={t`Asked only where a mapping in the other direction shares the links. A property may say otherwise.`}>
            {(props) => (
              <select className="field" value={textOf(doc, "conflictRule") === "source" ? "" : textOf(doc, "conflictRule")} onChange={(event) => put("conflictRule", t`conflict rule`)(event.target.value === "" ? undefined : event.target.value)} {...props}>
                {CONFLICT.map(([value, words]) => (
                  <option key={value} value={value}>
                    {words}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
      </Section>
      <Section title={t`Runs and links`}>
        <div className="flex flex-col gap-4">
          {FLAGS.map(({ name, fallback, label, help }) => (
            <Switch key={name} label={label} help={help} checked={flagOf(doc, name, fallback)} onChange={(checked) => put(name, label.toLowerCase())(checked === fallback ? undefined : checked)} />
          ))}
        </div>
      </Section>
      <Section title={t`Name`}>
        <div className="max-w-100">
          <TextField label={t`Title`} help={t`What people see. The name stays ${textOf(doc, "name")}: links and runs belong to it.`} value={textOf(doc, "displayName")} onBlur={draft.seal} onChange={(text) => put("displayName", t`title`)(text === "" ? undefined : text)} />
        </div>
      </Section>
    </div>
  );
}

interface NumberFieldProps {
  label: string;
  help: string;
  /** No fraction makes sense. */
  whole?: boolean;
  value: unknown;
  onBlur: () => void;
  onChange: (text: string) => void;
}

function NumberField({ whole = false, value, ...rest }: NumberFieldProps) {
  const said = value === undefined || value === null ? "" : String(value);
  const errors = isNoNumber(value, whole) ? [whole ? t`A whole number, 0 or more.` : t`A number, 0 or more.`] : [];
  return <TextField errors={errors} inputMode="numeric" value={said} {...rest} />;
}
