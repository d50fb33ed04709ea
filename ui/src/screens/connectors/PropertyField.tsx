import type { ConnectorProperty } from "../../backend/bindings/ConnectorProperty";
import type { SecretStatus } from "../../backend/bindings/SecretStatus";
import { SelectField, Switch, TextField } from "../../parts/Field";
import { settingWords } from "../../words/settings";
import { cellText } from "../../words/value";
import type { FormPart } from "./draft";
import { SecretField } from "./SecretField";

/** Settings one below the other. */
export function PropertyFields({ detail, form, errors, onChange, properties }: FormPart & { properties: ConnectorProperty[] }) {
  return (
    <div className="flex flex-col gap-4">
      {properties.map((property) => (
        <PropertyField
          key={property.name}
          property={property}
          status={detail.secrets.find((secret) => secret.property === property.name)}
          value={form.values[property.name]}
          secret={form.secrets[property.name] ?? ""}
          errors={errors(property.name)}
          onChange={(value) => onChange({ values: { ...form.values, [property.name]: value } })}
          onSecret={(value) => onChange({ secrets: { ...form.secrets, [property.name]: value } })}
        />
      ))}
    </div>
  );
}

/** One setting as its kind asks for it. */
function PropertyField({ property, status, value, secret, errors, onChange, onSecret }: {
  property: ConnectorProperty;
  status: SecretStatus | undefined;
  value: unknown;
  secret: string;
  errors: string[];
  onChange: (value: unknown) => void;
  onSecret: (value: string) => void;
}) {
  const [label, help] = [settingWords(property.label), settingWords(property.help)];
  switch (property.kind) {
    case "secret":
      return <SecretField label={label} help={help} status={status} value={secret} errors={errors} onChange={onSecret} />;
    case "switch":
      return <Switch label={label} help={help} checked={(value ?? property.default) === true} onChange={onChange} />;
    case "choice": {
      const words = Object.fromEntries(property.choices.map((choice) => [choice.value, settingWords(choice.label)]));
      return <SelectField label={label} help={help || undefined} errors={errors} value={cellText(value ?? property.default)} options={Object.keys(words)} words={words} onChange={onChange} />;
    }
    case "text":
    case "number": {
      const number = property.kind === "number";
      return (
        <TextField
          label={label}
          help={help || undefined}
          errors={errors}
          inputMode={number ? "numeric" : undefined}
          placeholder={cellText(property.default)}
          value={cellText(value)}
          onChange={(text) => onChange(number && /^\d+$/.test(text) ? Number(text) : text)}
        />
      );
    }
  }
}
