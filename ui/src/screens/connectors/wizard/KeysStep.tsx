import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { GoButton } from "../../../parts/GoButton";
import { TextField } from "../../../parts/Field";
import { Section } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { UnsavedBar } from "../../../parts/UnsavedBar";
import { CredentialsPart } from "../CredentialsPart";
import { changesOf, type ConnectorForm, draftOf, formOf, isSalesforce, missing, needsConsent, otherProperties, settingAtFault } from "../draft";
import { PropertyField } from "../PropertyField";
import { useSaveConnector } from "../queries";
import { SalesforcePart } from "../SalesforcePart";
import { WizardFrame } from "./WizardFrame";

const FORM = "connector-keys";

/** Name and keys. What is saved here stays switched off until a test of it succeeds. */
export function KeysStep({ detail, create }: { detail: ConnectorDetail; create: boolean }) {
  const [base] = useState(() => formOf(detail));
  const [edits, setEdits] = useState<Partial<ConnectorForm>>({});
  const [tried, setTried] = useState(false);
  const save = useSaveConnector();
  const navigate = useNavigate();
  const form: ConnectorForm = { ...base, ...edits };
  const change = (part: Partial<ConnectorForm>) => setEdits((before) => ({ ...before, ...part }));
  const gaps = missing(detail, form);
  const fault = settingAtFault(save.error);
  const rest = otherProperties(detail, form);
  const errors = (property: string) => {
    const gap = tried ? gaps.get(property) : undefined;
    return [...(gap ? [gap] : []), ...(save.error && fault === property ? [save.error.message] : [])];
  };
  const placed = fault !== null && ["name", "displayName", ...detail.properties.map(({ name }) => name)].includes(fault);
  const consent = needsConsent(detail, form);
  const Part = isSalesforce(detail) ? SalesforcePart : CredentialsPart;

  function submit() {
    setTried(true);
    if (gaps.size > 0) return;
    const draft = draftOf(detail, { ...form, enabled: false }, create);
    save.mutate(draft, {
      onSuccess: ({ summary }) => void navigate({ to: "/connectors/new", search: { system: summary.provider, name: summary.name, step: consent ? "authorize" : "test" }, replace: create, ignoreBlocker: true }),
    });
  }

  return (
    <WizardFrame
      at="keys"
      consent={consent}
      foot={
        <UnsavedBar
          form={FORM}
          always
          changes={changesOf(base, form).length}
          saving={save.isPending}
          saveLabel={consent ? "Next: authorize" : "Next: test"}
          onUndo={() => {
            setEdits({});
            setTried(false);
          }}
          before={create && <GoButton go={{ to: "/connectors/new" }}>Back</GoButton>}
        />
      }
    >
      <form
        id={FORM}
        noValidate
        className="max-w-2xl"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {save.error && !placed && (
          <div className="mb-4">
            <Problem error={save.error} />
          </div>
        )}
        <Section title="Basics">
          <div className="grid grid-cols-2 gap-4">
            <TextField
              label="Name"
              mono
              required={create}
              value={form.name}
              errors={errors("name")}
              help={create ? "Letters and digits; mappings call it system/<name>. It cannot be changed later." : undefined}
              onChange={create ? (name) => change({ name }) : undefined}
            />
            <TextField label="Title" value={form.title} errors={errors("displayName")} onChange={(title) => change({ title })} />
          </div>
        </Section>
        <Section title="Keys">
          <Part detail={detail} form={form} errors={errors} onChange={change} />
        </Section>
        {rest.length > 0 && (
          <details className="mb-6">
            <summary className="mb-3 rounded-sm font-semibold">Advanced</summary>
            <div className="flex flex-col gap-4">
              {rest.map((property) => (
                <PropertyField
                  key={property.name}
                  property={property}
                  status={detail.secrets.find((secret) => secret.property === property.name)}
                  value={form.values[property.name]}
                  secret={form.secrets[property.name] ?? ""}
                  errors={errors(property.name)}
                  onChange={(value) => change({ values: { ...form.values, [property.name]: value } })}
                  onSecret={(value) => change({ secrets: { ...form.secrets, [property.name]: value } })}
                />
              ))}
            </div>
          </details>
        )}
      </form>
    </WizardFrame>
  );
}
