import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";

import { Button } from "../../../parts/Button";
import { Skeleton } from "../../../parts/Page";
import { Problem } from "../../../parts/Problem";
import { formOf, needsConsent } from "../draft";
import { connectorBlank, connectorDetail } from "../queries";
import { AuthorizeStep } from "./AuthorizeStep";
import { KeysStep } from "./KeysStep";
import { TestStep } from "./TestStep";
import { WizardFrame } from "./WizardFrame";

/** From nothing to a connector that works: one decision a step, and each step is a place to come back to. */
export function NewConnectorPage() {
  const { system, name } = useSearch({ from: "/connectors/new" });
  if (name) return <Saved key={name} name={name} />;
  if (system) return <Blank key={system} system={system} />;
  return <SystemStep />;
}

const SYSTEMS = [
  { id: "hubspot", title: "HubSpot", text: "Contacts and companies, with a service key or an OAuth app of your own." },
  { id: "salesforce", title: "Salesforce", text: "Users, contacts, leads, accounts and more, with an External Client App of your own." },
];

function SystemStep() {
  const navigate = useNavigate();
  return (
    <WizardFrame at="system">
      <ul aria-label="Systems" className="grid max-w-2xl grid-cols-2 gap-4">
        {SYSTEMS.map(({ id, title, text }) => (
          <li key={id} className="flex flex-col gap-2 rounded-lg border border-line p-5">
            <h2 className="font-semibold">{title}</h2>
            <p className="flex-1 text-soft">{text}</p>
            <div className="mt-2">
              <Button look="primary" onClick={() => void navigate({ to: "/connectors/new", search: { system: id } })}>
                Connect {title}
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </WizardFrame>
  );
}

function Blank({ system }: { system: string }) {
  const blank = useQuery(connectorBlank(system));
  if (blank.data) return <KeysStep detail={blank.data} create />;
  return <WizardFrame at="keys">{blank.error ? <Problem error={blank.error} /> : <Skeleton rows={8} />}</WizardFrame>;
}

function Saved({ name }: { name: string }) {
  const { step } = useSearch({ from: "/connectors/new" });
  const saved = useQuery(connectorDetail(name));
  if (!saved.data) return <WizardFrame at="test">{saved.error ? <Problem error={saved.error} /> : <Skeleton rows={8} />}</WizardFrame>;
  const detail = saved.data;
  if (step === "keys") return <KeysStep detail={detail} create={false} />;
  const consent = needsConsent(detail, formOf(detail));
  if (consent && (step === "authorize" || !detail.authorized)) return <AuthorizeStep detail={detail} />;
  return <TestStep detail={detail} consent={consent} />;
}
