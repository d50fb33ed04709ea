import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";

import type { ConnectorDetail } from "../../backend/bindings/ConnectorDetail";
import { Choice, TextField } from "../../parts/Field";
import type { ConnectorForm } from "./draft";
import { CopyField, ProviderSteps, Scopes } from "./ProviderSteps";
import { CLIENT_CREDENTIALS, type Environment, environmentOf, type Grant, grantOf, LOGIN_URLS } from "./salesforce";
import { SecretField } from "./SecretField";

const ENVIRONMENTS: { value: Environment; label: string; help: string }[] = [
  { value: "production", label: t`Production`, help: t`the organization that people work in, or a Developer Edition` },
  { value: "sandbox", label: t`Sandbox`, help: t`a copy of it for trying things out` },
  { value: "custom", label: t`Custom`, help: t`your My Domain, such as https://acme.my.salesforce.com` },
];

const GRANTS: { value: Grant; label: string; help: string }[] = [
  { value: "refresh_token", label: t`Authorize as a person`, help: t`somebody signs in once and grants access; it is renewed by itself` },
  { value: CLIENT_CREDENTIALS, label: t`Client credentials`, help: t`the app signs in as the user that it runs as; nobody has to` },
];

const SECRETS: { value: "with" | "without"; label: string; help: string }[] = [
  { value: "with", label: t`With its secret`, help: t`what Salesforce sets up unless you change it` },
  { value: "without", label: t`Without a secret`, help: t`the app proves itself by PKCE alone` },
];

const SCOPES = ["api", "refresh_token", "id"];

/** Where to sign in at Salesforce, with which app, and how to make that app there. */
export function SalesforcePart({ detail, form, errors, onChange }: {
  detail: ConnectorDetail;
  form: ConnectorForm;
  errors: (property: string) => string[];
  onChange: (change: Partial<ConnectorForm>) => void;
}) {
  const environment = environmentOf(form.values);
  const grant = grantOf(form.values);
  const byItself = grant === CLIENT_CREDENTIALS;
  const loginUrl = form.values["loginUrl"];
  const set = (values: Record<string, unknown>) => onChange({ values: { ...form.values, ...values } });
  return (
    <div className="flex flex-col gap-4">
      <Choice
        legend={t`Environment`}
        name="environment"
        value={environment}
        options={ENVIRONMENTS}
        onChange={(chosen) => set({ loginUrl: chosen === "custom" ? "" : LOGIN_URLS[chosen] })}
      />
      <TextField
        label={t`Login URL`}
        mono
        required={environment === "custom"}
        value={typeof loginUrl === "string" ? loginUrl : LOGIN_URLS.production}
        errors={errors("loginUrl")}
        placeholder="https://acme.my.salesforce.com"
        help={environment === "custom" ? t`Setup, My Domain shows it. The address of the Lightning pages will not do.` : undefined}
        onChange={environment === "custom" ? (url) => set({ loginUrl: url }) : undefined}
      />
      <Choice legend={t`Sign in with`} name="grant" value={grant} options={GRANTS} onChange={(chosen) => onChange({ withSecret: chosen === CLIENT_CREDENTIALS || form.withSecret, values: { ...form.values, grantType: chosen } })} />
      <ProviderSteps steps={steps(byItself)} />
      <CopyField label={t`Callback URL`} text={detail.redirectUri} />
      {!byItself && (
        <Choice legend={t`The app`} name="secret" value={form.withSecret ? "with" : "without"} options={SECRETS} onChange={(chosen) => onChange({ withSecret: chosen === "with" })} />
      )}
      <TextField
        label={t`Consumer key`}
        mono
        required
        value={typeof form.values["clientId"] === "string" ? form.values["clientId"] : ""}
        errors={errors("clientId")}
        onChange={(clientId) => set({ clientId })}
      />
      {form.withSecret && (
        <SecretField
          label={t`Consumer secret`}
          required
          status={detail.secrets.find((secret) => secret.property === "clientSecret")}
          value={form.secrets["clientSecret"] ?? ""}
          errors={errors("clientSecret")}
          onChange={(value) => onChange({ secrets: { ...form.secrets, clientSecret: value } })}
        />
      )}
    </div>
  );
}

function steps(byItself: boolean): ReactNode[] {
  return [
    t`In Salesforce, open Setup, then External Client App Manager, and press New External Client App. Give it a name and an e-mail address; Distribution State stays Local.`,
    t`Under API (Enable OAuth Settings), tick Enable OAuth and enter the callback URL below, exactly as it stands.`,
    <>
      {t`Select these OAuth scopes:`} <Scopes of={SCOPES} />
    </>,
    byItself
      ? t`Tick Enable Client Credentials Flow and press Create. Then, in the app's Policies, enable the flow there too and choose the user that it runs as.`
      : t`Keep Require Proof Key for Code Exchange ticked. Untick Require Secret for Web Server Flow and for Refresh Token Flow only if you want an app without a secret. Press Create.`,
    t`In the app's Settings, under OAuth Settings, press Consumer Key and Secret. Salesforce sends you a code by e-mail; then copy both to here.`,
    t`Wait: it takes up to 10 minutes until Salesforce knows a new app everywhere. Before that, signing in may fail with invalid_client_id.`,
  ];
}
