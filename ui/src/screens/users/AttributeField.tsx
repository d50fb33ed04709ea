import { SelectField, Switch, TextField } from "../../parts/Field";
import { cellText } from "../../words/value";
import { isEditable, policyHint } from "./draft";
import type { Attribute } from "./kind";
import { type ErrorsOf, NestedField } from "./NestedField";
import { shapeOf } from "./nested";

/** Attributes with a few values that have a meaning; any other value that a user has stays possible. */
const CHOICES: Record<string, string[]> = { accountStatus: ["active", "inactive"] };

/** One attribute of the form, or of a group in it. */
export function AttributeField({ attribute, path, value, errors: errorsOf, onChange }: {
  attribute: Attribute;
  /** Where it is in the object: `mail`, `address/city`. */
  path: string;
  value: unknown;
  errors: ErrorsOf;
  onChange: (value: unknown) => void;
}) {
  const shape = attribute.editable ? shapeOf(attribute) : null;
  if (shape) return <NestedField shape={shape} attribute={attribute} path={path} value={value} errors={errorsOf} onChange={onChange} />;
  const errors = errorsOf(path);
  const editable = isEditable(attribute, value);
  const help = errors.length === 0 ? policyHint(attribute.policies) : undefined;
  if (attribute.kind === "boolean") {
    return (
      <div className="pt-5">
        <Switch label={attribute.title} help={errors.join(" ") || help} checked={value === true} disabled={!editable} onChange={onChange} />
      </div>
    );
  }
  const choices = CHOICES[attribute.name];
  if (choices && editable) {
    return <SelectField label={attribute.title} required={attribute.required} errors={errors} help={help} value={cellText(value)} options={choices} onChange={onChange} />;
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
