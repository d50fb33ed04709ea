import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { Choice, TextField } from "../../parts/Field";
import { CopyButton } from "../../parts/Outside";
import type { ConnectorForm, Credentials } from "./draft";
import { SecretField } from "./SecretField";

const OPTIONS: { value: Credentials; label: string; help: string }[] = [
  { value: "key", label: "Service key", help: "one account, set up in a minute" },
  { value: "oauth", label: "OAuth app", help: "you sign in at HubSpot and grant access" },
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
              "In HubSpot, open Settings (the gear), then Integrations, and there Service keys (or Private apps).",
              "Create one, and on its Scopes tab add crm.objects.contacts.read and crm.objects.contacts.write; add the schemas scopes to see custom properties.",
              "Copy the key and paste it here. HubSpot shows it in full only on that page.",
            ]}
          />
          <SecretField label="Access token" help="The service key, or the access token of a private app." {...secret("accessToken")} />
        </>
      ) : (
        <>
          <Steps
            steps={[
              "In your HubSpot developer account, open Apps, choose the app (or create one) and go to its Auth tab.",
              "Under Redirect URLs add the address below, exactly as it stands.",
              "Copy Client ID and Client secret from the same tab, save here, then press Authorize.",
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

function Steps({ steps }: { steps: string[] }) {
  return (
    <ol className="flex list-decimal flex-col gap-1 rounded-md bg-sunken py-2 pr-3 pl-7 text-soft">
      {steps.map((step) => (
        <li key={step}>{step}</li>
      ))}
    </ol>
  );
}
