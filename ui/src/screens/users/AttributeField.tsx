import type { UserAttribute } from "../../backend/bindings/UserAttribute";
import { Switch, TextField } from "../../parts/Field";
import { cellText } from "../../words/value";
import { isEditable } from "./draft";

/** One attribute of the form. */
export function AttributeField({ attribute, value, errors, onChange }: { attribute: UserAttribute; value: unknown; errors: string[]; onChange: (value: unknown) => void }) {
  const editable = isEditable(attribute, value);
  const help = attribute.policies.length > 0 && errors.length === 0 ? attribute.policies.join("; ") : undefined;
  if (attribute.kind === "boolean") {
    return (
      <div className="pt-5">
        <Switch label={attribute.title} help={errors.join(" ") || help} checked={value === true} disabled={!editable} onChange={onChange} />
      </div>
    );
  }
  const numeric = attribute.kind === "number" || attribute.kind === "integer";
  return (
    <TextField
      label={attribute.title}
      required={attribute.required}
      errors={errors}
      help={help}
      inputMode={numeric ? "decimal" : undefined}
      value={cellText(value)}
      onChange={editable ? (text) => onChange(numeric && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text) : undefined}
    />
  );
}
