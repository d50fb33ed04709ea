import { t } from "@lingui/core/macro";

import { Field } from "../../parts/Field";

export function DocumentField({ value, errors, rows = 26, onChange }: { value: string; errors: string[]; rows?: number; onChange: (value: string) => void }) {
  return (
    <Field label={t`Mapping document`} errors={errors} help={t`One element of IDM's sync.json, or the whole file.`}>
      {(props) => <textarea className="field" rows={rows} spellCheck={false} autoComplete="off" value={value} onChange={(event) => onChange(event.target.value)} {...props} />}
    </Field>
  );
}
