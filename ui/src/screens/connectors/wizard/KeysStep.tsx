import { t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { GoButton } from "../../../parts/GoButton";
import { TextField } from "../../../parts/Field";
import { intoView } from "../../../parts/intoView";
import { Section } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { UnsavedBar } from "../../../parts/UnsavedBar";
import { useSeekFault } from "../../../parts/useSeekFault";
import { errorAtSetting } from "../../../words/error";
import { CredentialsPart } from "../CredentialsPart";
import { changesOf, type ConnectorForm, draftOf, formOf, isSalesforce, isScim, missing, needsConsent, otherProperties, settingAtFault } from "../draft";
import { PropertyFields } from "../PropertyField";
import { useSaveConnector } from "../queries";
import { LOGIN_URLS } from "../salesforce";
import { SalesforcePart } from "../SalesforcePart";
import { ScimPart } from "../ScimPart";
import { WizardFrame } from "./WizardFrame";

const FORM = "connector-keys";

function inEnvironment(form: ConnectorForm, environment: string | undefined): ConnectorForm {
  if (environment !== "sandbox" && environment !== "custom") return form;
  return { ...form, values: { ...form.values, loginUrl: environment === "custom" ? "" : LOGIN_URLS[environment] } };
}

/** Name and keys. What is saved here stays switched off until a test of it succeeds. */
export function KeysStep({ detail, create, environment }: {
  detail: ConnectorDetail;
  create: boolean;
  /** Salesforce's, where it was chosen on the step before. */
  environment?: string | undefined;
}) {
  const [base] = useState(() => inEnvironment(formOf(detail), environment));
  const [edits, setEdits] = useState<Partial<ConnectorForm>>({});
  const [tried, setTried] = useState(false);
  const save = useSaveConnector();
  const seek = useSeekFault(FORM);
  const navigate = useNavigate();
  const form: ConnectorForm = { ...base, ...edits };
  const change = (part: Partial<ConnectorForm>) => setEdits((before) => ({ ...before, ...part }));
  const gaps = missing(detail, form);
  const fault = settingAtFault(save.error);
  const rest = otherProperties(detail, form);
  const errors = (property: string) => {
    const gap = tried ? gaps.get(property) : undefined;
    return [...(gap ? [gap] : []), ...(save.error && fault === property ? [errorAtSetting(save.error)] : [])];
  };
  const placed = fault !== null && ["name", "displayName", ...detail.properties.map(({ name }) => name)].includes(fault);
  const consent = needsConsent(detail, form);
  const Part = isSalesforce(detail) ? SalesforcePart : isScim(detail) ? ScimPart : CredentialsPart;

  function submit() {
    setTried(true);
    if (gaps.size > 0) {
      seek();
      return;
    }
    const draft = draftOf(detail, { ...form, enabled: false }, create);
    save.mutate(draft, {
      onSuccess: ({ summary }) => void navigate({ to: "/connectors/new", search: { system: summary.provider, name: summary.name, step: consent ? "authorize" : "test" }, replace: create, ignoreBlocker: true }),
      onError: seek,
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
          saveLabel={consent ? t`Next: authorize` : t`Next: test`}
          onUndo={() => {
            setEdits({});
            setTried(false);
            save.reset();
          }}
          before={create && <GoButton go={{ to: "/connectors/new" }}>{t`Back`}</GoButton>}
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
          <div ref={intoView} className="mb-4">
            <Problem error={save.error} />
          </div>
        )}
        <Section title={t`Basics`}>
          <div className="grid grid-cols-2 gap-4">
            <TextField
              label={t`Name`}
              mono
              required={create}
              value={form.name}
              errors={errors("name")}
              help={create ? t`Letters, digits, - and _; mappings call it system/<name>. It cannot be changed later.` : undefined}
              onChange={create ? (name) => change({ name }) : undefined}
            />
            <TextField label={t`Title`} value={form.title} errors={errors("displayName")} onChange={(title) => change({ title })} />
          </div>
        </Section>
        <Section title={t`Keys`}>
          <Part detail={detail} form={form} errors={errors} onChange={change} />
        </Section>
        {rest.length > 0 && (
          <details className="mb-6">
            <summary className="mb-3 rounded-sm font-semibold">{t`Advanced`}</summary>
            <PropertyFields detail={detail} form={form} errors={errors} onChange={change} properties={rest} />
          </details>
        )}
      </form>
    </WizardFrame>
  );
}
