import { t } from "@lingui/core/macro";

import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { Choice, TextField } from "../../parts/Field";
import type { ConnectorForm, Credentials } from "./draft";
import { CopyField, ProviderSteps, Scopes } from "./ProviderSteps";
import { SecretField } from "./SecretField";

const OPTIONS: { value: Credentials; label: string; help: string }[] = [
  { value: "key", label: t`Service key`, help: t`one HubSpot account, set up in a minute` },
  { value: "oauth", label: t`OAuth app`, help: t`an app of your own; you sign in at HubSpot and grant access` },
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
      <Choice legend={t`Sign in with`} name="credentials" value={form.credentials} options={OPTIONS} onChange={(credentials) => onChange({ credentials })} />
      {form.credentials === "key" ? (
        <>
          <ProviderSteps
            steps={[
              t`In HubSpot, open Development, then Keys, then Service keys. You need to be a Super Admin or to have access to the developer tools.`,
              <>
                {t`Create a service key and give it these scopes:`} <Scopes of={SCOPES} />
              </>,
              t`Copy the key and paste it here as the access token.`,
            ]}
          />
          <SecretField label={t`Access token`} required help={t`The service key. The token of a private app that you already have works too; HubSpot no longer lets you create new ones.`} {...secret("accessToken")} />
        </>
      ) : (
        <>
          <ProviderSteps
            steps={[
              t`Create the app as a project with the HubSpot CLI and upload it to your account. An app that you already have will do.`,
              t`In the app's configuration, add the redirect URI below to its redirect URLs, exactly as it stands.`,
              <>
                {t`Give the app these scopes:`} <Scopes of={["oauth", ...SCOPES]} />
              </>,
              t`Copy the app's client ID and client secret to here and save, then press Authorize. A Super Admin or a user with access to the Marketplace has to grant the access.`,
            ]}
          />
          <TextField
            label={t`Client ID`}
            mono
            required
            value={typeof form.values["clientId"] === "string" ? form.values["clientId"] : ""}
            errors={errors("clientId")}
            onChange={(value) => onChange({ values: { ...form.values, clientId: value } })}
          />
          <SecretField label={t`Client secret`} required {...secret("clientSecret")} />
          <CopyField label={t`Redirect URI`} text={detail.redirectUri} />
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
