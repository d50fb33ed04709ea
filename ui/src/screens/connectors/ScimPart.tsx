import { t } from "@lingui/core/macro";

import { Choice, TextField } from "../../parts/Field";
import { type FormPart, scimMethod } from "./draft";
import { ProviderSteps } from "./ProviderSteps";
import { SecretField } from "./SecretField";

const METHODS = [
  { value: "TOKEN", label: t`Bearer token`, help: t`what most servers give out for provisioning` },
  { value: "BASIC", label: t`User and password`, help: t`HTTP Basic` },
  { value: "HEADER", label: t`Key in a header`, help: t`such as X-Api-Key` },
  { value: "OAUTH", label: t`OAuth app`, help: t`client credentials; Concord fetches tokens by itself` },
];

/** Where a SCIM server is and how it is signed in to. */
export function ScimPart({ detail, form, errors, onChange }: FormPart) {
  const method = scimMethod(form.values);
  const text = (name: string) => ({
    value: typeof form.values[name] === "string" ? form.values[name] : "",
    errors: errors(name),
    onChange: (value: string) => onChange({ values: { ...form.values, [name]: value } }),
  });
  const secret = (name: string) => ({
    status: detail.secrets.find((stored) => stored.property === name),
    value: form.secrets[name] ?? "",
    errors: errors(name),
    onChange: (value: string) => onChange({ secrets: { ...form.secrets, [name]: value } }),
  });
  return (
    <div className="flex flex-col gap-4">
      <ProviderSteps
        steps={[
          t`Look in the server's settings for SCIM or provisioning. It shows the address of its SCIM endpoint; the part before /Users is what goes here.`,
          t`Let it make a token for Concord, or a user or an app that may read and change users and groups.`,
          t`Copy both to here. The test asks the server what it can do, and says which object types it has.`,
        ]}
      />
      <TextField label={t`Endpoint`} mono required placeholder="https://example.org/scim/v2" {...text("SCIMEndpoint")} />
      <Choice legend={t`Sign in with`} name="scim-method" value={method} options={METHODS} onChange={(chosen) => onChange({ values: { ...form.values, authenticationMethod: chosen } })} />
      {method === "TOKEN" && <SecretField label={t`Token`} required {...secret("authToken")} />}
      {method === "BASIC" && (
        <>
          <TextField label={t`User`} required {...text("user")} />
          <SecretField label={t`Password`} required {...secret("password")} />
        </>
      )}
      {method === "HEADER" && (
        <>
          <TextField label={t`Header`} mono required placeholder="X-Api-Key" {...text("headerName")} />
          <SecretField label={t`Key`} required {...secret("authToken")} />
        </>
      )}
      {method === "OAUTH" && (
        <>
          <TextField label={t`Token endpoint`} mono required placeholder="https://example.org/oauth/token" {...text("tokenEndpoint")} />
          <TextField label={t`Client ID`} mono required {...text("clientId")} />
          <SecretField label={t`Client secret`} required {...secret("clientSecret")} />
        </>
      )}
    </div>
  );
}
