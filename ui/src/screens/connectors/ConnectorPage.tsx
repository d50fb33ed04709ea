import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";

import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { announce } from "../../parts/Announcer";
import { Button } from "../../parts/Button";
import { Switch, TextField } from "../../parts/Field";
import { Page, Section, Skeleton } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { AuthorizePart } from "./AuthorizePart";
import { CredentialsPart } from "./CredentialsPart";
import { changesOf, type ConnectorForm, draftOf, formOf, hasChoice, isSalesforce, missing, needsConsent, otherProperties, settingAtFault } from "./draft";
import { PropertyField } from "./PropertyField";
import { connectorDetail, useSaveConnector, useTestConnector } from "./queries";
import { RemoveConnector } from "./RemoveConnector";
import { SalesforcePart } from "./SalesforcePart";
import { CONNECTOR_STATE } from "./state";
import { TestResult } from "./TestResult";

const FORM = "connector-form";
const TRAIL = (
  <Link to="/connectors" className="rounded-sm hover:underline">
    Connectors
  </Link>
);

export function ConnectorPage() {
  const { name } = useParams({ from: "/connectors/$name" });
  const detail = useQuery(connectorDetail(name));
  if (detail.data) return <Editor key={name} detail={detail.data} />;
  return <Waiting title={name} error={detail.error} />;
}

function Waiting({ title, error }: { title: string; error: Parameters<typeof Problem>[0]["error"] | null }) {
  return (
    <Page title={title} trail={TRAIL}>
      {error ? <Problem error={error} /> : <Skeleton rows={8} />}
    </Page>
  );
}

function Editor({ detail }: { detail: ConnectorDetail }) {
  const base = formOf(detail);
  const [edits, setEdits] = useState<Partial<ConnectorForm>>({});
  const form: ConnectorForm = { ...base, ...edits };
  const changes = changesOf(base, form);
  const save = useSaveConnector();
  const test = useTestConnector();
  const { summary } = detail;
  const change = (part: Partial<ConnectorForm>) => setEdits((before) => ({ ...before, ...part }));
  const [tried, setTried] = useState(false);
  const gaps = missing(detail, form);
  const fault = settingAtFault(save.error);
  const errors = (property: string) => {
    const gap = tried ? gaps.get(property) : undefined;
    return [...(gap ? [gap] : []), ...(save.error && fault === property ? [save.error.message] : [])];
  };
  const placed = fault !== null && ["name", "displayName", ...detail.properties.map((property) => property.name)].includes(fault);
  const Credentials = isSalesforce(detail) ? SalesforcePart : CredentialsPart;

  function submit() {
    setTried(true);
    if (gaps.size > 0) return;
    save.mutate(draftOf(detail, form, false), {
      onSuccess: (saved) => {
        announce(`${saved.summary.title} was saved`);
        setEdits({});
      },
    });
  }

  const plain = otherProperties(detail, form).filter((property) => !property.advanced);
  const advanced = otherProperties(detail, form).filter((property) => property.advanced);
  const propertyField = (property: (typeof plain)[number]) => (
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
  );

  return (
    <Page
      flush
      title={summary.name}
      trail={TRAIL}
      beside={<State tone={CONNECTOR_STATE[summary.state].tone}>{CONNECTOR_STATE[summary.state].text}</State>}
      actions={
          <>
            <Button busy={test.isPending} disabled={changes.length > 0} title={changes.length > 0 ? "Save the changes to test them" : undefined} onClick={() => test.mutate(summary.name)}>
              Test
            </Button>
            <RemoveConnector connector={summary} />
          </>
      }
    >
      <div className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
        <div className="grid max-w-5xl grid-cols-1 gap-x-10 min-[1000px]:grid-cols-[minmax(0,1fr)_340px]">
          <form
            id={FORM}
            className="min-w-0"
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
              <div className="flex flex-col gap-4">
                <div className="grid grid-cols-2 gap-4">
                  <TextField
                    label="Name"
                    mono
                    value={form.name}
                    errors={errors("name")}
                  />
                  <TextField label="Title" value={form.title} errors={errors("displayName")} onChange={(title) => change({ title })} />
                </div>
                <Switch label="Enabled" checked={form.enabled} onChange={(enabled) => change({ enabled })} />
              </div>
            </Section>
            {(hasChoice(detail) || isSalesforce(detail)) && (
              <Section title="Credentials">
                <Credentials detail={detail} form={form} errors={errors} onChange={change} />
              </Section>
            )}
            {plain.length > 0 && (
              <Section title="Connection">
                <div className="flex flex-col gap-4">{plain.map(propertyField)}</div>
              </Section>
            )}
            {advanced.length > 0 && (
              <details className="mb-6 group">
                <summary className="mb-3 rounded-sm font-semibold">Advanced</summary>
                <div className="flex flex-col gap-4">{advanced.map(propertyField)}</div>
              </details>
            )}
          </form>
          <div className="min-w-0">
            <Section title="Test">
              {test.isPending ? (
                <p role="status" className="text-soft">Asking {summary.host}{"\u2026"}</p>
              ) : test.error ? (
                <Problem error={test.error} />
              ) : test.data ? (
                <TestResult test={test.data} />
              ) : (
                <p className={summary.state === "error" ? "text-needs" : "text-soft"}>
                  <bdi>{summary.message ?? "Test asks the system whether the keys and their scopes will do."}</bdi>
                </p>
              )}
            </Section>
            {needsConsent(detail, form) && (
              <Section title="Authorization">
                <AuthorizePart detail={detail} unsaved={changes.length > 0} />
              </Section>
            )}
          </div>
        </div>
      </div>
      <UnsavedBar form={FORM} changes={changes.length} saving={save.isPending} onUndo={() => setEdits({})} />
    </Page>
  );
}
