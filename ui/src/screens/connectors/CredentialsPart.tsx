import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import type { ReactNode } from "react";

import { Choice, TextField } from "../../parts/Field";
import { CopyButton } from "../../parts/Outside";
import type { ConnectorForm, Credentials } from "./draft";
import { SecretField } from "./SecretField";

const OPTIONS: { value: Credentials; label: string; help: string }[] = [
  { value: "key", label: "Service key", help: "one HubSpot account, set up in a minute" },
  { value: "oauth", label: "OAuth app", help: "an app of your own; you sign in at HubSpot and grant access" },
];

export function CredentialsPart({ detail, form, errors, onChange }: {
  detail: ConnectorDetail;
  form: ConnectorForm;
  errors: (property: string) => string[];
  onChange: (change: Partial<ConnectorForm>) => void;
}) {
  const status = (property: string) => detail.secrets.find((secret) => secret.property === property);
  const secret = (property: string) => ({
    status: status(property),
    value: form.secrets[property] ?? "",
    errors: errors(property),
    onChange: (value: string) => onChange({ secrets: { ...form.secrets, [property]: value } }),
  });
  return (
    <div className="flex flex-col gap-4">
      <Choice legend="Sign in with" name="credentials" value={form.credentials} options={OPTIONS} onChange={(credentials) => onChange({ credentials })} />
      {form.credentials === "key" ? (
        <>
          <Steps
            steps={[
              "In HubSpot, open Development, then Keys, then Service keys. You need to be a Super Admin or to have access to the developer tools.",
              <>
                Create a service key and give it these scopes: <Scopes of={SCOPES} />
              </>,
              "Copy the key and paste it here as the access token.",
            ]}
          />
          <SecretField label="Access token" help="The service key. The token of a private app that you already have works too; HubSpot no longer lets you create new ones." {...secret("accessToken")} />
        </>
      ) : (
        <>
          <Steps
            steps={[
              "Create the app as a project with the HubSpot CLI and upload it to your account. An app that you already have will do.",
              "In the app's configuration, add the redirect URI below to its redirect URLs, exactly as it stands.",
              <>
                Give the app these scopes: <Scopes of={["oauth", ...SCOPES]} />
              </>,
              "Copy the app's client ID and client secret to here and save, then press Authorize. A Super Admin or a user with access to the Marketplace has to grant the access.",
            ]}
          />
          <TextField
            label="Client ID"
            mono
            value={typeof form.values["clientId"] === "string" ? form.values["clientId"] : ""}
            errors={errors("clientId")}
            onChange={(value) => onChange({ values: { ...form.values, clientId: value } })}
          />
          <SecretField label="Client secret" {...secret("clientSecret")} />
          <div className="flex items-end gap-1">
            <div className="flex-1">
              <TextField label="Redirect URI" mono value={detail.redirectUri} />
            </div>
            <span className="pb-0.5">
              <CopyButton text={detail.redirectUri} label="Copy redirect URI" />
            </span>
          </div>
        </>
      )}
    </div>
  );
}

/** What reading and writing contacts and companies takes, and knowing their properties. */
const SCOPES = [
  "crm.objects.contacts.read",
  "crm.objects.contacts.write",
  "crm.objects.companies.read",
  "crm.objects.companies.write",
  "crm.schemas.contacts.read",
  "crm.schemas.companies.read",
];

function Scopes({ of }: { of: string[] }) {
  return (
    <ul aria-label="Scopes" className="mt-1 flex flex-wrap gap-1">
      {of.map((scope) => (
        <li key={scope} className="rounded-sm border border-line bg-surface px-1.5">
          <code className="font-mono text-sm text-ink">{scope}</code>
        </li>
      ))}
    </ul>
  );
}

function Steps({ steps }: { steps: ReactNode[] }) {
  return (
    <ol className="flex list-decimal flex-col gap-1 rounded-md bg-sunken py-2 pr-3 pl-7 text-soft">
      {steps.map((step, index) => (
        // The steps are fixed; their number is what they are known by.
        // oxlint-disable-next-line react/no-array-index-key
        <li key={index}>{step}</li>
      ))}
    </ol>
  );
}
