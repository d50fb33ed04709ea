import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";

import type { ConnectorDetail } from "../../../backend/bindings/ConnectorDetail";
import { Skeleton } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { formOf, needsConsent } from "../draft";
import { connectorBlank, connectorDetail } from "../queries";
import { AuthorizeStep } from "./AuthorizeStep";
import { DataStep } from "./DataStep";
import { DraftGuard } from "./DraftGuard";
import { KeysStep } from "./KeysStep";
import { MappingStep } from "./MappingStep";
import { SystemStep } from "./SystemStep";
import { TestStep } from "./TestStep";
import { TypesStep } from "./TypesStep";
import { WizardFrame } from "./WizardFrame";

/** From nothing to a first plan on a person's own data: one decision a step, and each step is a place to come back to. */
export function NewConnectorPage() {
  const { system, name } = useSearch({ from: "/connectors/new" });
  if (name) return <Saved key={name} name={name} />;
  if (system) return <Blank key={system} system={system} />;
  return <SystemStep />;
}

function Blank({ system }: { system: string }) {
  const { at } = useSearch({ from: "/connectors/new" });
  const blank = useQuery(connectorBlank(system));
  if (blank.data) return <KeysStep detail={blank.data} create environment={at} />;
  return <WizardFrame at="keys">{blank.error ? <Problem error={blank.error} /> : <Skeleton rows={8} />}</WizardFrame>;
}

function Saved({ name }: { name: string }) {
  const saved = useQuery(connectorDetail(name));
  if (!saved.data) return <WizardFrame at="test">{saved.error ? <Problem error={saved.error} /> : <Skeleton rows={8} />}</WizardFrame>;
  return (
    <>
      <SavedStep detail={saved.data} />
      <DraftGuard connector={saved.data.summary} />
    </>
  );
}

function SavedStep({ detail }: { detail: ConnectorDetail }) {
  const { step } = useSearch({ from: "/connectors/new" });
  if (step === "keys") return <KeysStep detail={detail} create={false} />;
  const consent = needsConsent(detail, formOf(detail));
  if (consent && (step === "authorize" || !detail.authorized)) return <AuthorizeStep detail={detail} />;
  // What comes after the test is for connectors that passed it.
  if (detail.summary.enabled && detail.summary.state !== "error") {
    if (step === "types") return <TypesStep detail={detail} consent={consent} />;
    if (step === "data") return <DataStep detail={detail} consent={consent} />;
    if (step === "mapping") return <MappingStep detail={detail} consent={consent} />;
  }
  return <TestStep detail={detail} consent={consent} />;
}
